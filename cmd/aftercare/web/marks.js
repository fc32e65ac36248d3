import { h } from './dom.js';
import { when } from './clock.js';

// The marks that Discord draws in a text, as far as anybody uses them here. Text
// becomes text nodes, whatever stands in it.

// A backslash is read in one way only: in two, a row of them would take forever.
const inside = (edge) => String.raw`((?:\\[\s\S]|(?!${edge})[^\\])+?)`;
const rules = [
  [/\\([^A-Za-z0-9\s])/y, (m) => m[1]],
  [/(`+)((?:(?!\1)[\s\S])+)\1(?!`)/y, (m) => h('code', null, m[2].trim() || m[2])],
  [/<t:(-?\d{1,12})(?::([tTdDfFR]))?>/y, (m) => when(Number(m[1]) * 1000, m[2] || 'f')],
  [/<@!?(\d+)>/y, (m, env) => h('span', { class: 'mention' }, '@' + (env.names?.[m[1]] || 'somebody'))],
  [/\[((?:\\.|[^\]\\\n])+)\]\(<?(https?:\/\/[^\s()<>]+)>?\)/y, (m, env) => link(m[2], inline(m[1], { ...env, linked: true }))],
  [/<?(https?:\/\/[^\s<>]*[^\s<>.,:;"'\])])>?/y, (m, env) => (env.linked ? m[0] : link(m[1], [m[1]]))],
  [new RegExp(String.raw`\*\*` + inside(String.raw`\*\*`) + String.raw`\*\*(?!\*)`, 'y'), (m, env) => h('strong', null, inline(m[1], env))],
  [new RegExp('__' + inside('__') + '__(?!_)', 'y'), (m, env) => h('u', null, inline(m[1], env))],
  [new RegExp('~~' + inside('~~') + '~~', 'y'), (m, env) => h('s', null, inline(m[1], env))],
  [new RegExp(String.raw`\|\|` + inside(String.raw`\|\|`) + String.raw`\|\|`, 'y'), (m, env) => spoiler(inline(m[1], env))],
  [new RegExp(String.raw`\*(?!\s)` + inside(String.raw`\*`) + String.raw`\*(?!\*)`, 'y'), (m, env) => h('em', null, inline(m[1], env))],
  [new RegExp(String.raw`_(?!\s)` + inside('_') + String.raw`_(?![A-Za-z0-9_])`, 'y'), (m, env) => h('em', null, inline(m[1], env))],
];

function link(url, children) {
  return h('a', { href: url, target: '_blank', rel: 'noreferrer noopener' }, children);
}

function spoiler(children) {
  return h('button', { type: 'button', class: 'spoiler', 'aria-label': 'Hidden words, show them', onclick: (e) => {
    const el = e.currentTarget;
    el.replaceWith(h('span', { class: 'spoken' }, ...el.childNodes));
  } }, children);
}

// inline returns the nodes of a text without line structure.
export function inline(text, env = {}) {
  const out = [];
  let plain = '';
  for (let at = 0; at < text.length;) {
    let drawn;
    for (const [pattern, draw] of rules) {
      pattern.lastIndex = at;
      const m = pattern.exec(text);
      if (!m || m[0] === '') continue;
      drawn = draw(m, env);
      at += m[0].length;
      break;
    }
    if (drawn === undefined) plain += text[at++];
    else if (typeof drawn === 'string') plain += drawn;
    else {
      if (plain) out.push(plain);
      plain = '';
      out.push(drawn);
    }
  }
  if (plain) out.push(plain);
  return out;
}

const blocks = [
  ['quote', /^> ?(.*)$/],
  ['small', /^-# (.+)$/],
  ['heading', /^#{1,3} (.+)$/],
  ['item', /^[-*] (.+)$/],
];

// marked returns the nodes of a whole message.
export function marked(text, env = {}) {
  const out = [];
  let run = null; // lines of one kind, together
  const flush = () => {
    if (run) out.push(block(run, env));
    run = null;
  };
  const parts = text.split(/```(?:[a-z]*\n)?([\s\S]+?)```/);
  parts.forEach((part, i) => {
    if (i % 2) {
      flush();
      out.push(h('pre', { tabindex: 0 }, h('code', null, part)));
      return;
    }
    for (const line of part.split('\n')) {
      const [kind, words] = kindOf(line);
      if (!run || run.kind !== kind) {
        flush();
        run = { kind, lines: [] };
      }
      run.lines.push(words);
    }
    flush();
  });
  return out.filter((el) => el.textContent !== '' || el.tagName === 'PRE');
}

function kindOf(line) {
  for (const [kind, pattern] of blocks) {
    const m = pattern.exec(line);
    if (m) return [kind, m[1]];
  }
  return ['words', line];
}

function block(run, env) {
  switch (run.kind) {
    case 'quote': return h('blockquote', null, inline(run.lines.join('\n'), env));
    case 'small': return h('small', null, inline(run.lines.join('\n'), env));
    case 'heading': return h('p', { class: 'heading' }, inline(run.lines.join('\n'), env));
    case 'item': return h('ul', null, run.lines.map((l) => h('li', null, inline(l, env))));
  }
  return h('p', null, inline(run.lines.join('\n').replace(/^\n+|\n+$/g, ''), env));
}
