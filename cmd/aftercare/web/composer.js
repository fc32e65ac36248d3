import { h, capital } from './dom.js';
import { act, suggest } from './net.js';
import { expectForm } from './form.js';

const optionKinds = { bool: 5, user: 6 };
const typing = 120; // milliseconds after a key before the bot is asked

// Composer is where somebody types: words for the bot, or a command with its
// options, completed from what the bot has registered.
export class Composer {
  constructor(column) {
    this.column = column;
    const id = `composer-${column.id}`;
    this.items = [];
    this.at = -1;
    this.hint = h('p', { class: 'hint', id: `${id}-hint` });
    this.list = h('ul', { class: 'completions', role: 'listbox', id: `${id}-list`, hidden: true, 'aria-label': 'Completions' });
    this.wrong = h('p', { class: 'wrong', role: 'alert', hidden: true });
    this.replying = h('div', { class: 'replying', hidden: true });
    this.input = h('textarea', {
      id, rows: 1, maxlength: 4000, autocomplete: 'off', 'aria-autocomplete': 'list', 'aria-describedby': `${id}-hint`,
    });
    this.more = column.place === 'dm' && h('details', { class: 'more' },
      h('summary', { 'aria-label': 'Send something else', title: 'Send something else' }, '+'),
      h('div', { class: 'options' }, [['picture', 'A picture'], ['sticker', 'A sticker'], ['voice', 'A voice message']].map(([what, label]) =>
        h('button', { type: 'button', onclick: () => this.sendOther(what) }, label))));
    this.root = h('form', { class: 'composer', onsubmit: (e) => { e.preventDefault(); this.send(); } },
      this.list, this.hint, this.wrong, this.replying,
      h('div', { class: 'line' }, this.more, this.input, h('button', { type: 'submit', class: 'send', 'aria-label': 'Send', title: 'Send' }, '➤')));
    this.input.addEventListener('input', () => this.changed());
    this.input.addEventListener('keydown', (e) => this.key(e));
    this.input.addEventListener('focus', () => this.changed());
    this.input.addEventListener('blur', () => this.show([]));
    if (this.more) {
      this.more.addEventListener('focusout', (e) => { if (!this.more.contains(e.relatedTarget)) this.more.open = false; });
      this.more.addEventListener('keydown', (e) => {
        if (e.key !== 'Escape') return;
        this.more.open = false;
        this.more.querySelector('summary').focus();
      });
    }
    this.changed();
  }

  name() {
    const who = capital(this.column.who);
    return this.column.place === 'dm' ? `Message the bot as ${who}` : `Run a command in the server as ${who}`;
  }

  // complain says what was wrong until something else is done.
  complain(text) {
    this.wrong.textContent = text ? capital(text) + (/[.?]$/.test(text) ? '' : '.') : '';
    this.wrong.hidden = !text;
  }

  replyTo(m) {
    this.reply = m.id;
    this.replying.replaceChildren(`Replying to: ${m.text.split('\n')[0].slice(0, 50)} `,
      h('button', { type: 'button', class: 'quiet', onclick: () => { this.noReply(); this.input.focus(); } }, 'Not a reply'));
    this.replying.hidden = false;
    this.input.focus();
  }

  noReply() {
    this.reply = undefined;
    this.replying.hidden = true;
    this.replying.replaceChildren();
  }

  async send() {
    const text = this.input.value.trim();
    if (!text) return;
    this.complain('');
    const { who, place } = this.column;
    const a = { who };
    if (text.startsWith('/')) Object.assign(a, { do: 'run', line: text, inDM: place === 'dm' });
    else if (place === 'server') {
      this.complain('the bot hears only commands here; type / for them, or write to it in a direct message');
      return;
    } else Object.assign(a, { do: 'type', words: text, message: this.reply });
    this.show([]);
    const { id, error } = await act(a);
    if (error) {
      this.complain(error);
      return;
    }
    this.noReply();
    this.input.value = '';
    this.changed();
    if (id) expectForm(id, this.column);
    this.column.log.scrollTop = this.column.log.scrollHeight;
  }

  async sendOther(what) {
    this.more.open = false;
    const { error } = await act({ do: 'send', who: this.column.who, input: what, words: this.input.value.trim() });
    this.complain(error || '');
    if (!error) this.input.value = '';
    this.input.focus();
  }

  // key moves in the list, takes from it, and sends.
  key(e) {
    const n = this.items.length;
    if (n && (e.key === 'ArrowDown' || e.key === 'ArrowUp')) {
      this.at = e.key === 'ArrowDown' ? (this.at + 1) % n : (Math.max(this.at, 0) - 1 + n) % n;
      this.mark();
    } else if (n && e.key === 'Escape') {
      this.show([]);
    } else if (n && this.at >= 0 && (e.key === 'Enter' || e.key === 'Tab') && !e.shiftKey) {
      this.take(this.items[this.at]);
    } else if (e.key === 'Enter' && !e.shiftKey && !e.isComposing) {
      this.send();
    } else {
      return;
    }
    e.preventDefault();
  }

  take(item) {
    this.input.value = item.text;
    this.input.setSelectionRange(item.text.length, item.text.length);
    this.input.focus();
    this.changed();
  }

  changed() {
    this.input.setAttribute('aria-label', this.name());
    this.input.placeholder = this.column.place === 'dm' ? 'Write, or type /' : 'Type / for commands';
    this.input.style.height = 'auto';
    this.input.style.height = `${Math.min(this.input.scrollHeight + 2, 140)}px`;
    if (document.activeElement !== this.input) return;
    this.complain('');
    const { hint, items, ask, at } = complete(this.input.value, this.column.state);
    this.hint.textContent = hint || '';
    this.show(items, at);
    clearTimeout(this.asking);
    if (ask) this.asking = setTimeout(() => this.ask(ask), typing);
  }

  // ask has the bot offer choices for what is being typed.
  async ask(line) {
    const typed = this.input.value;
    const choices = await suggest({ who: this.column.who, line, inDM: this.column.place === 'dm' });
    if (this.input.value !== typed || document.activeElement !== this.input) return;
    const head = line.slice(0, line.lastIndexOf(':') + 1);
    this.show(choices.map((c) => ({ text: `${head}${c.value} `, label: c.name })), 0);
  }

  show(items, at = -1) {
    this.items = items;
    this.at = items.length ? at : -1;
    this.list.hidden = items.length === 0;
    // A text box, and a list to choose from only while there is one.
    const role = { role: 'combobox', 'aria-expanded': 'true', 'aria-controls': this.list.id };
    for (const [name, value] of Object.entries(role)) {
      if (items.length) this.input.setAttribute(name, value);
      else this.input.removeAttribute(name);
    }
    this.list.replaceChildren(...items.map((item, i) => h('li', {
      role: 'option', id: `${this.list.id}-${i}`, onpointerdown: (e) => { e.preventDefault(); this.take(item); },
    }, h('b', null, item.label), item.about && h('span', null, item.about))));
    if (!items.length) this.hint.textContent = this.input.value.startsWith('/') && document.activeElement === this.input ? this.hint.textContent : '';
    this.mark();
  }

  mark() {
    [...this.list.children].forEach((li, i) => li.setAttribute('aria-selected', String(i === this.at)));
    const marked = this.list.children[this.at];
    if (marked) {
      this.input.setAttribute('aria-activedescendant', marked.id);
      marked.scrollIntoView({ block: 'nearest' });
    } else this.input.removeAttribute('aria-activedescendant');
  }
}

// paths lists every command with its path as it is typed.
export function paths(commands) {
  return commands.flatMap((c) => {
    const subs = (c.options || []).filter((o) => o.type === 1);
    if (!subs.length) return [{ path: `/${c.name}`, about: c.description, options: c.options || [] }];
    return subs.map((s) => ({ path: `/${c.name} ${s.name}`, about: s.description, options: s.options || [] }));
  });
}

// complete tells what could follow a line.
export function complete(line, state) {
  if (!line.startsWith('/') || !state) return { items: [] };
  const all = paths(state.commands);
  const command = all.find((p) => line.startsWith(`${p.path} `)) || all.find((p) => line === p.path);
  if (!command) return { items: matching(all, line), at: 0 };
  const rest = line.slice(command.path.length);
  if (rest === '') return { items: command.options.some((o) => o.required) ? matching(all, line) : [], at: 0, hint: command.about };
  return completeOptions(line, command, rest, state);
}

// matching lists the commands that begin so, and then those that have it elsewhere.
function matching(all, line) {
  const words = line.slice(1).toLowerCase().split(' ').filter(Boolean);
  const fits = all.filter((p) => p.path.startsWith(line.trimEnd().toLowerCase()));
  const near = all.filter((p) => !fits.includes(p) && words.every((w) => w.length > 1 && p.path.includes(w)));
  return [...fits, ...near].map((p) => ({ text: `${p.path} `, label: p.path, about: p.about }));
}

function completeOptions(line, command, rest, state) {
  const given = [];
  let current = null;
  for (const word of rest.split(' ')) {
    const [, name, value] = /^([^:]+):(.*)$/.exec(word) || [];
    const option = command.options.find((o) => o.name === name);
    if (option) {
      current = { option, value };
      given.push(option.name);
    } else if (current) current.value += ` ${word}`;
  }
  const last = line.slice(line.lastIndexOf(' ') + 1);
  const left = command.options.filter((o) => !given.includes(o.name));
  const more = left.filter((o) => o.name.startsWith(last)).map((o) => ({
    text: `${line.slice(0, line.length - last.length)}${o.name}:`, label: o.name + (o.required ? ' (needed)' : ''), about: o.description,
  }));
  if (!current) return { items: more, at: left.some((o) => o.required) ? 0 : -1, hint: command.about };
  const { option, value } = current;
  const head = line.slice(0, line.length - value.length);
  const choices = valuesOf(option, state);
  const hint = `${option.name}: ${option.description}`;
  if (choices) {
    const fits = choices.filter((c) => c.toLowerCase().startsWith(value.toLowerCase()));
    if (!choices.some((c) => value === c || value.startsWith(`${c} `))) return { items: fits.map((c) => ({ text: `${head}${c} `, label: c })), at: 0, hint };
    return { items: choices.includes(value) ? [] : more, hint };
  }
  if (value.endsWith(' ') && value.trim()) return { items: more, hint };
  return { items: value.includes(' ') ? more : [], hint, ask: option.autocomplete && value.trim() ? line : undefined };
}

// valuesOf lists what an option can be, where that is a list.
function valuesOf(option, state) {
  if (option.choices?.length) return option.choices.map((c) => c.name);
  if (option.type === optionKinds.bool) return ['True', 'False'];
  if (option.type === optionKinds.user) return state.people.map((p) => `@${p.name}`);
  return null;
}
