import { h, capital, say } from './dom.js';
import { when } from './clock.js';
import { marked } from './marks.js';
import { act, fileURL } from './net.js';
import { Composer } from './composer.js';
import { expectForm, formOf, showForm } from './form.js';

const nearEnd = 90; // pixels from the end of a log that count as being there

// Column is one conversation: somebody's DM with the bot, or the server as one of
// the people sees it.
export class Column {
  constructor(place, who, people) {
    this.place = place; // 'dm' or 'server'
    this.who = who; // whose eyes
    this.id = place === 'dm' ? who : 'server';
    this.nodes = new Map(); // what is drawn, by message
    this.unread = new Map(); // by person: the ids of messages
    this.drawn = new Map(); // by person: what each message said
    this.dismissed = new Set();
    this.busy = new Set();
    this.active = false;
    this.atEnd = true;
    this.build(people);
    this.log.addEventListener('scroll', () => {
      this.atEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < nearEnd;
    });
    new ResizeObserver(() => this.stay()).observe(this.log);
  }

  build(people) {
    this.title = h('h2', { id: `title-${this.id}` });
    this.note = h('p', { class: 'note' });
    this.badge = h('span', { class: 'badge', hidden: true });
    this.controls = h('div', { class: 'controls' });
    this.log = h('div', { class: 'log', role: 'log', 'aria-live': 'polite', tabindex: 0, 'aria-labelledby': `title-${this.id}` });
    this.pending = h('button', { type: 'button', class: 'pending', hidden: true, onclick: () => showForm(this.person, this.names) });
    this.composer = new Composer(this);
    this.root = h('section', { class: 'column', id: `column-${this.id}`, 'aria-labelledby': `title-${this.id}`, data: { place: this.place } },
      h('header', null, h('div', { class: 'titles' }, this.title, this.badge), this.note, this.controls),
      this.log, this.pending, this.composer.root);
    if (this.place === 'dm') this.dmControls();
    else this.serverControls(people);
    for (const sign of ['pointerdown', 'focusin']) this.root.addEventListener(sign, () => this.onactive?.(this));
  }

  dmControls() {
    this.title.textContent = capital(this.who);
    this.note.textContent = 'their direct messages with the bot';
    this.dms = this.toggle('takes DMs', 'dms', (p) => !p.dmsClosed);
    this.inServer = this.toggle('is in the server', 'server', (p) => !p.left);
    this.controls.append(this.dms, this.inServer);
  }

  toggle(label, what, read) {
    const el = h('button', { type: 'button', role: 'switch', class: 'switch', 'aria-label': `${capital(this.who)} ${label}`, onclick: () => act({ do: what, who: this.who, on: !read(this.person) }) }, label);
    el.read = read;
    return el;
  }

  serverControls(people) {
    this.title.textContent = '# together';
    this.note.textContent = 'shared; each sees only their own answers';
    this.seers = people.map((name) => h('button', { type: 'button', role: 'radio', data: { who: name }, onclick: () => this.look(name) },
      capital(name), h('span', { class: 'badge', hidden: true })));
    this.controls.setAttribute('role', 'radiogroup');
    this.controls.setAttribute('aria-label', 'Whose eyes');
    this.controls.append(h('span', { class: 'as', 'aria-hidden': 'true' }, 'You are'), ...this.seers);
    this.controls.addEventListener('keydown', (e) => {
      const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[e.key];
      if (!step) return;
      e.preventDefault();
      const next = (people.indexOf(this.who) + step + people.length) % people.length;
      this.look(people[next]);
      this.seers[next].focus();
    });
  }

  // look changes whose eyes the server is seen with.
  look(who) {
    if (this.who === who) return;
    this.who = who;
    this.nodes.clear();
    this.log.replaceChildren();
    if (this.state) this.update(this.state);
    this.log.scrollTop = this.log.scrollHeight;
    this.composer.changed();
  }

  update(state) {
    const fresh = this.state && this.state.epoch !== state.epoch;
    if (fresh) {
      this.drawn.clear();
      this.unread.clear();
      this.dismissed.clear();
    }
    this.state = state;
    this.release();
    this.person = state.people.find((p) => p.name === this.who);
    this.names = Object.fromEntries(state.people.map((p) => [p.id, capital(p.name)]));
    for (const p of state.people) {
      if (this.place === 'server' || p.name === this.who) this.count(p);
    }
    this.draw(this.person[this.place].filter((m) => !this.dismissed.has(m.id)));
    this.stay();
    this.drawControls();
  }

  // stay keeps the newest message in view for whoever was there.
  stay() {
    if (this.atEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  // count notes what is new to a person and was not before somebody's eyes.
  count(p) {
    const first = !this.drawn.has(p.name);
    const before = this.drawn.get(p.name) || new Map();
    const unread = this.unread.get(p.name) || new Set();
    const after = new Map();
    for (const m of p[this.place]) {
      const looks = JSON.stringify([m.text, m.rows]);
      after.set(m.id, looks);
      const seen = this.active && this.who === p.name && document.visibilityState === 'visible';
      if (!first && !m.own && !m.waiting && !m.failed && before.get(m.id) !== looks && !seen) unread.add(m.id);
    }
    for (const id of unread) if (!after.has(id)) unread.delete(id);
    this.drawn.set(p.name, after);
    this.unread.set(p.name, unread);
  }

  // read takes the marks away: somebody is looking.
  read() {
    this.unread.set(this.who, new Set());
    for (const el of this.log.querySelectorAll('.fresh')) el.classList.remove('fresh');
    this.drawControls();
  }

  unreadCount() {
    let n = 0;
    for (const [name, ids] of this.unread) if (this.place === 'server' || name === this.who) n += ids.size;
    return n;
  }

  drawControls() {
    if (!this.person) return;
    mark(this.badge, this.place === 'dm' ? this.unreadCount() : 0);
    if (this.place === 'dm') {
      for (const el of [this.dms, this.inServer]) el.setAttribute('aria-checked', String(el.read(this.person)));
    } else {
      for (const el of this.seers) {
        const mine = el.dataset.who === this.who;
        el.setAttribute('aria-checked', String(mine));
        el.tabIndex = mine ? 0 : -1;
        mark(el.lastChild, this.unread.get(el.dataset.who)?.size || 0);
      }
    }
    const form = formOf(this.person);
    this.pending.hidden = !form;
    this.pending.textContent = form ? `A form is open: ${form.title}. Fill it in` : '';
    this.onunread?.(this);
  }

  draw(messages) {
    const kept = new Set(messages.map((m) => m.id));
    const focused = this.log.contains(document.activeElement) ? document.activeElement : null;
    const at = focused?.closest?.('.item')?.dataset.message;
    const input = focused?.dataset?.input;
    for (const [id, node] of this.nodes) {
      if (!kept.has(id)) {
        node.remove();
        this.nodes.delete(id);
      }
    }
    const unread = this.unread.get(this.who) || new Set();
    messages.forEach((m, i) => {
      const looks = JSON.stringify([m, this.replied(m, messages)]);
      let node = this.nodes.get(m.id);
      if (!node || node.looks !== looks) {
        const editing = node?.querySelector('.editing');
        if (editing && m.own) { // do not take away what somebody is writing
          return;
        }
        const next = this.message(m, messages);
        next.looks = looks;
        node?.replaceWith(next);
        node = next;
        this.nodes.set(m.id, node);
      }
      node.classList.toggle('fresh', unread.has(m.id));
      if (this.log.children[i] !== node) this.log.insertBefore(node, this.log.children[i] || null);
    });
    this.empty(messages.length === 0);
    if (at && !this.log.contains(document.activeElement)) this.refocus(at, input);
  }

  // refocus puts the keyboard back where the message was that has changed.
  refocus(message, input) {
    const node = this.nodes.get(message);
    if (!node) {
      (this.log.lastElementChild?.querySelector('article') || this.log).focus();
      return;
    }
    const same = input && [...node.querySelectorAll('[data-input]')].find((el) => el.dataset.input === input);
    (same || node.querySelector('article')).focus();
  }

  empty(is) {
    this.log.classList.toggle('empty', is);
    this.log.dataset.empty = this.place === 'dm'
      ? 'Nothing has come here yet.'
      : `${capital(this.who)} sees nothing here. What the others are told, only they see.`;
  }

  replied(m, messages) { return m.replyTo ? messages.find((o) => o.id === m.replyTo)?.text ?? '' : null; }

  message(m, messages) {
    const name = m.failed ? 'Discord' : m.own ? capital(this.who) : 'Aftercare';
    const reply = this.replied(m, messages);
    const article = h('article', { tabindex: -1, 'aria-label': name, class: 'message' + (m.own ? ' own' : '') + (m.only ? ' only' : '') },
      reply !== null && h('p', { class: 'reply' }, `in reply to: ${reply.split('\n')[0].slice(0, 60) || 'a message that is gone'}`),
      m.command && h('p', { class: 'reply' }, h('b', null, capital(m.by || this.who)), ' used ', h('code', null, m.command)),
      h('div', { class: 'head' },
        h('span', { class: 'avatar', 'aria-hidden': 'true', data: { of: m.failed ? 'discord' : m.own ? this.who : 'bot' } }, name.slice(0, 1)),
        h('b', { class: 'name' }, name), !m.own && !m.failed && h('span', { class: 'app' }, 'APP'), when(m.at, 'sent', 'sent')),
      h('div', { class: 'text' }, this.words(m)),
      m.files?.map((f, i) => this.file(m, f, i)),
      m.rows?.map((row) => h('div', { class: 'row' }, row.map((c) => this.control(m, c)))),
      m.only && h('p', { class: 'private' }, h('span', { 'aria-hidden': 'true' }, '◉ '), 'Only you can see this · ',
        h('button', { type: 'button', class: 'quiet', onclick: () => this.dismiss(m) }, 'Dismiss message')),
      this.tools(m));
    return h('div', { class: 'item', data: { message: m.id } }, article);
  }

  words(m) {
    if (m.failed) return h('p', { class: 'failed' }, 'The application did not respond');
    if (m.waiting) return h('p', { class: 'waiting' }, 'Aftercare is thinking…');
    return [...marked(m.text, { names: this.names }), m.note && h('p', { class: 'waiting' }, m.note), m.edited && h('span', { class: 'edited' }, '(edited)')];
  }

  dismiss(m) {
    this.dismissed.add(m.id);
    this.update(this.state);
    this.composer.input.focus();
  }

  control(m, c) {
    if (c.kind === 'link') return h('a', { class: 'press', href: c.url, target: '_blank', rel: 'noreferrer noopener' }, c.label);
    if (c.kind === 'menu') return this.menu(m, c);
    return h('button', { type: 'button', class: 'press' + (c.marked ? ' marked' : ''), disabled: c.disabled, 'aria-pressed': c.marked ? 'true' : undefined,
      data: { input: c.id }, onclick: (e) => this.doing(e.currentTarget, { do: 'press', message: m.id, input: c.id }) }, c.label);
  }

  // doing acts once, however often it is pressed meanwhile.
  async doing(el, a) {
    if (el.getAttribute('aria-busy') === 'true') return false;
    el.setAttribute('aria-busy', 'true');
    this.busy.add(el);
    const { id, error } = await act({ who: this.who, ...a });
    if (id) expectForm(id, this);
    if (error) this.composer.complain(error);
    setTimeout(() => this.release(), 1000);
    return !error;
  }

  // release lets be pressed again what was pressed: something has come of it.
  release() {
    for (const el of this.busy) el.removeAttribute('aria-busy');
    this.busy.clear();
  }

  // menu opens a list of options below its button.
  menu(m, c) {
    const many = c.most > 1;
    const chosen = c.options.filter((o) => o.default).map((o) => o.label).join(', ');
    const list = h('div', { class: 'options', hidden: true, role: many ? 'group' : 'listbox', 'aria-label': c.placeholder || 'Options' });
    const button = h('button', { type: 'button', class: 'menu', 'aria-haspopup': many ? 'true' : 'listbox', 'aria-expanded': 'false', data: { input: c.id }, disabled: c.disabled },
      h('span', null, chosen || c.placeholder || 'Make a selection'), h('span', { 'aria-hidden': 'true' }, '▾'));
    const open = (is) => {
      list.hidden = !is;
      button.setAttribute('aria-expanded', String(is));
      if (is) {
        list.querySelector('[role=option],input')?.focus();
        list.scrollIntoView({ block: 'nearest' });
      }
    };
    button.addEventListener('click', () => open(list.hidden));
    const pick = (values) => {
      open(false);
      button.focus();
      this.doing(button, { do: 'pick', message: m.id, input: c.id, values });
    };
    if (many) {
      const boxes = c.options.map((o) => h('input', { type: 'checkbox', value: o.value, checked: o.default }));
      list.append(...c.options.map((o, i) => h('label', null, boxes[i], ' ', o.label)),
        h('button', { type: 'button', class: 'press', onclick: () => {
          const values = boxes.filter((b) => b.checked).map((b) => b.value);
          if (values.length < c.least || values.length > c.most) this.composer.complain(`choose ${c.least} to ${c.most} of them`);
          else pick(values);
        } }, 'Done'));
    } else {
      list.append(...c.options.map((o) => h('button', { type: 'button', role: 'option', 'aria-selected': String(Boolean(o.default)), data: { value: o.value }, onclick: () => pick([o.value]) },
        o.label, o.description && h('small', null, o.description))));
    }
    list.addEventListener('focusout', (e) => {
      if (!list.contains(e.relatedTarget) && e.relatedTarget !== button) open(false);
    });
    list.addEventListener('keydown', (e) => {
      const all = [...list.querySelectorAll('[role=option],input,button.press')];
      const at = all.indexOf(document.activeElement);
      const to = { ArrowDown: at + 1, ArrowUp: at - 1, Home: 0, End: all.length - 1 }[e.key];
      if (e.key === 'Escape') {
        open(false);
        button.focus();
      } else if (to !== undefined && all[to]) {
        all[to].focus();
      } else if (to === undefined) {
        return;
      }
      e.preventDefault();
      e.stopPropagation();
    });
    return h('div', { class: 'menus' }, button, list);
  }

  file(m, f, i) {
    if (f.size === 0) return h('p', { class: 'attached' }, `${f.name}`);
    if (!f.name.endsWith('.png')) {
      return h('p', { class: 'attached' }, h('button', { type: 'button', class: 'press', onclick: async () => {
        const url = await fileURL(this.who, m.id, i);
        if (!url) return;
        h('a', { href: url, download: f.name }).click();
        setTimeout(() => URL.revokeObjectURL(url), 10000);
      } }, `Download ${f.name}`), ` ${Math.max(1, Math.round(f.size / 1024))} kB`);
    }
    const img = h('img', { class: 'picture', alt: f.alt || f.name });
    img.addEventListener('load', () => {
      URL.revokeObjectURL(img.src);
      this.stay();
    });
    fileURL(this.who, m.id, i).then((url) => {
      if (url) img.src = url;
    });
    return img;
  }

  tools(m) {
    if (this.place === 'server' || m.failed || m.waiting) return null;
    if (m.only) return null; // no client lets anybody reply to it
    if (!m.own) return h('div', { class: 'tools' }, h('button', { type: 'button', onclick: () => this.composer.replyTo(m) }, 'Reply'));
    return h('div', { class: 'tools' },
      h('button', { type: 'button', onclick: () => this.edit(m) }, 'Edit'),
      h('button', { type: 'button', onclick: (e) => this.doing(e.currentTarget, { do: 'delete', message: m.id }) }, 'Delete'));
  }

  edit(m) {
    const node = this.nodes.get(m.id);
    const text = node.querySelector('.text');
    const area = h('textarea', { 'aria-label': 'Edit your message', maxlength: 4000 });
    area.value = m.text;
    const end = () => {
      node.looks = '';
      box.remove();
      this.update(this.state);
      this.nodes.get(m.id)?.querySelector('article').focus();
    };
    const save = async () => {
      if (area.value === m.text) return end();
      const { error } = await act({ do: 'edit', who: this.who, message: m.id, words: area.value });
      if (error) return this.composer.complain(error);
      say('Saved');
      return end();
    };
    const box = h('div', { class: 'editing' }, area, h('div', { class: 'row' },
      h('button', { type: 'button', class: 'press', onclick: save }, 'Save'),
      h('button', { type: 'button', class: 'press', onclick: end }, 'Cancel')));
    area.addEventListener('keydown', (e) => {
      if (e.key === 'Enter' && !e.shiftKey) save();
      else if (e.key === 'Escape') end();
      else return;
      e.preventDefault();
    });
    text.replaceChildren(box);
    area.focus();
  }
}

// mark shows how many are unread, or nothing.
export function mark(badge, n) {
  badge.hidden = n === 0;
  badge.textContent = n || '';
  if (n) badge.setAttribute('aria-label', `${n} unread`);
  else badge.removeAttribute('aria-label');
}
