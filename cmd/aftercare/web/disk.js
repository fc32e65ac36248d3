import { h } from './dom.js';
import { when } from './clock.js';
import * as net from './net.js';

const kinds = {
  checkin: 'a check-in', turn: 'a standing check-in', relay: 'something left for somebody', hello: 'a first line', linked: 'a line about a link',
  notice: 'a notice', panel: 'a message to be shown anew', offer: 'a question', remark: 'a remark', here: 'a line after an hour', standing: 'a question',
  fits: 'a question', after: 'a look back', moment: 'a question', trend: 'a note',
};
const rest = 400; // milliseconds between two looks

// Disk shows what whoever runs the bot has on their disk at this moment.
export class Disk {
  constructor(root) {
    this.root = root;
    this.scheduled = h('ol', { class: 'scheduled' });
    this.files = h('p', { class: 'note' });
    this.tables = h('div', { class: 'tables' });
    this.open = new Set(['words', 'answers']);
    this.result = h('p', { role: 'status', class: 'note' });
    this.words = h('input', { type: 'text', id: 'search', autocomplete: 'off', maxlength: 200 });
    root.append(
      h('header', null, h('h2', null, 'On the operator’s disk, right now'),
        h('p', { class: 'note' }, 'The real files of this bot. Sealed values show as their first bytes. In clear are row numbers, times, states and kinds. Whoever runs a bot also holds the key.')),
      h('div', { class: 'parts' },
        h('section', { 'aria-labelledby': 'scheduled-title' }, h('h3', { id: 'scheduled-title' }, 'Scheduled'), this.scheduled,
          h('h3', null, 'Look for your own words'),
          h('form', { class: 'search', onsubmit: (e) => { e.preventDefault(); this.search(); } },
            h('label', { for: 'search' }, 'Something that was typed, as it was typed'), this.words, h('button', { type: 'submit' }, 'Look into the files')), this.result,
          this.files),
        h('section', { 'aria-labelledby': 'tables-title' }, h('h3', { id: 'tables-title' }, 'Tables'), this.tables)));
  }

  show(is) {
    this.root.hidden = !is;
    if (is) this.look();
  }

  update(state) {
    const list = state.scheduled.map((s) => h('li', null, when(s.at, 'R'), ` · ${s.kind}`, h('span', { class: 'note' }, ` ${kinds[s.kind] || ''}`)));
    this.scheduled.replaceChildren(...(list.length ? list : [h('li', { class: 'note' }, 'Nothing.')]));
    if (!this.root.hidden) this.look();
  }

  // look reads the disk, and once more if something happened meanwhile.
  async look() {
    if (this.looking) {
      this.again = true;
      return;
    }
    this.looking = true;
    try {
      const d = await net.disk();
      if (d) this.draw(d);
    } catch {
      // the connection says so itself
    }
    setTimeout(() => {
      this.looking = false;
      if (this.again) {
        this.again = false;
        this.look();
      }
    }, rest);
  }

  draw(d) {
    const looks = JSON.stringify(d);
    if (looks === this.looks) return;
    this.looks = looks;
    this.files.replaceChildren('Files in ', h('code', null, d.folder), ': ', d.files.map((f) => `${f.name} (${f.size.toLocaleString('en')} bytes)`).join(', '));
    const focused = document.activeElement?.closest?.('details')?.dataset.table;
    this.tables.replaceChildren(...d.tables.map((t) => this.table(t)));
    if (focused) this.tables.querySelector(`details[data-table="${focused}"] summary`)?.focus();
  }

  table(t) {
    const el = h('details', { data: { table: t.name }, open: this.open.has(t.name) },
      h('summary', null, h('code', null, t.name), ` ${t.count} ${t.count === 1 ? 'row' : 'rows'}`),
      h('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': `Rows of ${t.name}` }, h('table', null,
        h('thead', null, h('tr', null, t.columns.map((c) => h('th', { scope: 'col' }, c)))),
        h('tbody', null, t.rows.map((r) => h('tr', null, r.map((v, i) => h('td', null, value(v, t.columns[i])))))))),
      t.count > t.rows.length && h('p', { class: 'note' }, `The newest ${t.rows.length} of them.`));
    el.addEventListener('toggle', () => this.open[el.open ? 'add' : 'delete'](t.name));
    return el;
  }

  async search() {
    this.result.textContent = 'Looking…';
    try {
      const { error, bytes, found } = await net.search(this.words.value);
      if (error) this.result.textContent = error;
      else {
        const where = found.map((f) => `${f.size} times in ${f.name}`).join(', ');
        this.result.textContent = `${bytes.toLocaleString('en')} bytes read. ${where ? `It stands there in clear: ${where}.` : 'It stands nowhere in clear.'}`;
      }
    } catch {
      this.result.textContent = 'The demo can’t be reached.';
    }
  }
}

function value(v, column) {
  if (v === null) return h('span', { class: 'none' }, '–');
  if (typeof v === 'object') return h('span', { class: 'sealed', title: `${v.size} bytes` }, `${v.hex.replace(/../g, '$& ').trim()}${v.size > 8 ? ' …' : ''}`, h('small', null, ` ${v.size} B`));
  if (typeof v === 'number' && /_at$|^at$/.test(column) && v > 1e11) return when(v, 'R', 'time');
  return String(v);
}
