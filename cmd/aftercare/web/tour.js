import { h, capital } from './dom.js';
import { act } from './net.js';
import { formOf } from './form.js';

const day = 24 * 3600000;
const typed = 'A long, good day. I keep smiling.';
const back = 'I’ll call at eight. You’re not far away from me.';

// The way through: each step says in one line what to do, and where.
const steps = [
  command('Link', 'alex', () => '/partner invite', 'Alex and Sam are a pair who live apart. As Alex, ask for an invite in the server: type', (s) => has(s, 'alex', 'server', 'partner/invited')),
  button('Link', 'alex', 'server', 'partner/invited', 'Alex reads what is agreed to, and taps Yes.', (s) => code(s)),
  command('Link', 'sam', (s) => `/partner accept code:${code(s)}`, 'Alex hands the code over by other means. As Sam, type', (s) => has(s, 'sam', 'server', 'partner/yes')),
  button('Link', 'sam', 'server', 'partner/yes', 'Sam reads the same terms, and taps Yes. Now they are linked.', (s) => person(s, 'sam').dm.length > 0),
  command('A scene has ended', 'alex', () => '/scene ended', 'Weeks later. Nobody else in the server will see this. As Alex, type', (s) => has(s, 'alex', 'server', 'scene/undo')),
  clock('A day later', 'Let 24 hours pass.', (s) => has(s, 'sam', 'dm', 'checkin/open') && has(s, 'alex', 'dm', 'checkin/open')),
  button('An answer by buttons', 'sam', 'dm', 'checkin/open', 'Each is asked in private. Sam opens the question.', (s) => has(s, 'sam', 'dm', 'checkin/feel')),
  button('An answer by buttons', 'sam', 'dm', 'checkin/feel', 'Sam taps a feeling; any will do.', (s) => has(s, 'sam', 'dm', 'checkin/need')),
  button('An answer by buttons', 'sam', 'dm', 'checkin/need', 'Sam taps what would help.', (s) => has(s, 'sam', 'dm', 'checkin/write')),
  button('An answer by buttons', 'sam', 'dm', 'checkin/skip words', 'Words are never needed: Nothing to add.', (s) => has(s, 'sam', 'dm', 'checkin/share')),
  button('An answer by buttons', 'sam', 'dm', 'checkin/share words', 'So far only Sam sees this. Sam shares it.', (s) => has(s, 'alex', 'dm', 'relay/read')),
  words('An answer by typing', 'alex', typed, 'As Alex, type into the direct message, such as this:', (s) => has(s, 'alex', 'dm', 'checkin/share')),
  button('An answer by typing', 'alex', 'dm', 'checkin/share words', 'Alex sees what was understood, and shares it.', (s) => has(s, 'sam', 'dm', 'relay/read')),
  button('The relay', 'alex', 'dm', 'relay/read', 'Something from Sam waits for Alex. Tap Read.', (s) => has(s, 'alex', 'dm', 'relay/word')),
  button('A word back', 'alex', 'dm', 'relay/word', 'Alex sends a word back.', (s) => formOf(person(s, 'alex')) && has(s, 'alex', 'dm', 'relay/word') || has(s, 'alex', 'dm', 'relay/back')),
  form('A word back', 'alex', 'relay/word', back, 'Write something, and submit it.', (s) => has(s, 'alex', 'dm', 'relay/back')),
  button('Take it back', 'alex', 'dm', 'checkin/back', 'Alex would rather say it on the phone, and takes the answer back: it goes from Sam’s side.', (s) => has(s, 'alex', 'dm', 'relay/back') && !has(s, 'alex', 'dm', 'checkin/back')),
  command('Leave', 'alex', () => '/partner leave', 'Leaving is one command, at once, and quiet. As Alex, type', (s) => person(s, 'alex').server.some((m) => m.command === '/partner leave')),
];

const last = 'That was it. Alex’s words are gone from Sam’s side, and nobody was told. Look at what is on the disk, stop the bot and start it again, or let Kit join.';

const astray = 'this went another way than the tour; Guided tour begins it again';
const patience = 2500; // milliseconds in which the next thing comes

function person(s, who) { return s.people.find((p) => p.name === who); }

// leads tells whether a custom id leads to a route, "route argument" if it says how.
function leads(id, route) {
  const [path, how] = route.split(' ');
  return (id === `1:${path}` || id?.startsWith(`1:${path}:`)) && (!how || id.endsWith(`:${how}`));
}

// find returns the newest message with buttons that lead somewhere: the first of
// them, and all.
function find(s, who, place, route) {
  for (const m of [...person(s, who)[place]].reverse()) {
    const all = (m.rows || []).flat().filter((c) => !c.disabled && leads(c.id, route)).map((c) => c.id);
    if (all.length) return { message: m.id, input: all[0], all };
  }
  return null;
}

function has(s, who, place, route) { return Boolean(find(s, who, place, route)); }

function code(s) {
  for (const m of person(s, 'alex').server) {
    const found = /code:([0-9A-Z]{5}-[0-9A-Z]{5})/.exec(m.text);
    if (found) return found[1];
  }
  return '';
}

function command(title, who, line, say, done) {
  return {
    title, say, done, who, place: 'server', spot: () => '#composer-server',
    types: line, does: (s) => act({ do: 'run', who, line: line(s) }),
  };
}

function words(title, who, text, say, done) {
  return { title, say, done, who, place: 'dm', spot: () => `#composer-${who}`, types: () => text, does: () => act({ do: 'type', who, words: text }) };
}

function clock(title, say, done) {
  return { title, say, done, spot: () => '#plus24', does: () => act({ do: 'pass', by: day }) };
}

function button(title, who, place, route, say, done) {
  return {
    title, say, done, who, place,
    spot: (s) => {
      const f = find(s, who, place, route);
      return f && f.all.map((id) => `#column-${place === 'server' ? 'server' : who} [data-message="${f.message}"] [data-input="${id}"]`).join(',');
    },
    does: (s) => {
      const f = find(s, who, place, route);
      return f ? act({ do: 'press', who, message: f.message, input: f.input }) : { error: astray };
    },
  };
}

// form is a step in a form. Whoever has closed it presses its button again.
function form(title, who, route, text, say, done) {
  const opens = button(title, who, 'dm', route, say, done);
  return {
    title, say, done, who, place: 'dm',
    spot: (s) => {
      if (document.getElementById('form')) return '#form-send';
      return formOf(person(s, who)) ? `#column-${who} .pending` : opens.spot(s);
    },
    does: (s) => {
      const f = formOf(person(s, who));
      if (!f) return opens.does(s);
      return act({ do: 'submit', who, input: f.id, fields: { [f.fields[0].id]: text } });
    },
  };
}

// Tour leads somebody through, one step after another.
export class Tour {
  constructor(root, page) {
    this.root = root;
    this.page = page;
    this.at = -1; // not begun
    this.title = h('b', { class: 'title' });
    this.line = h('span', { class: 'line' });
    this.text = h('p', { 'aria-live': 'polite' }, this.title, ' ', this.line);
    this.wrong = h('p', { class: 'wrong', role: 'alert', hidden: true });
    this.does = h('button', { type: 'button', id: 'tourdo', class: 'press marked', onclick: () => this.doIt() });
    this.end = h('button', { type: 'button', id: 'tourend', class: 'press', onclick: () => this.stop() }, 'Skip the tour');
    root.append(h('div', { class: 'what' }, this.text, this.wrong), h('div', { class: 'row' }, this.does, this.end));
    this.offered = false;
  }

  // offer asks before anything is begun anew.
  offer() {
    this.at = -1;
    this.root.hidden = false;
    this.title.textContent = 'A tour of three minutes.';
    this.line.textContent = this.fresh() ? 'Two made-up people, two days, and the real bot.' : 'It begins anew: what was said here so far goes.';
    this.does.textContent = 'Begin';
    this.end.textContent = 'Look around alone';
    this.mark(null);
    this.does.focus();
  }

  fresh() { return !this.state || this.state.people.every((p) => p.dm.length + p.server.length === 0); }

  stop() {
    this.at = -1;
    this.root.hidden = true;
    this.mark(null);
    document.getElementById('tourstart').focus();
  }

  async begin() {
    if (!this.fresh()) {
      const { error } = await act({ do: 'reset' });
      if (error) return this.complain(error);
    }
    this.at = 0;
    this.shown = -1;
    this.update();
    return undefined;
  }

  complain(text) {
    this.wrong.textContent = text ? `${capital(text)}.` : '';
    this.wrong.hidden = !text;
  }

  // doIt does the step for somebody, and each step once.
  async doIt() {
    const at = this.at;
    if (this.doing === at) return;
    this.doing = at;
    this.does.setAttribute('aria-busy', 'true');
    this.complain('');
    if (at < 0) await this.begin();
    else if (at >= steps.length) this.stop();
    else {
      const step = steps[at];
      const { error } = await step.does(this.state);
      if (error) this.complain(error);
      else if (step.place) this.page.seen(step.place === 'server' ? 'server' : step.who);
    }
    if (this.doing === at) this.doing = undefined;
    this.does.removeAttribute('aria-busy');
  }

  update(state) {
    if (state) {
      if (!this.offered && state.people.every((p) => p.dm.length + p.server.length === 0)) {
        this.state = state;
        this.offered = true;
        const focus = document.activeElement;
        this.offer();
        if (focus === document.body) this.does.blur();
      }
      this.offered = true;
      if (this.state && this.state.epoch !== state.epoch && this.at > 0) { // begun anew, and so is the tour
        this.at = 0;
        this.shown = -1;
        this.complain('');
      }
      this.state = state;
    }
    if (this.at < 0 || !this.state) return;
    const before = this.at;
    while (this.at < steps.length && steps.slice(this.at).some((step) => step.done(this.state))) this.at++;
    if (this.at !== before) this.complain('');
    this.draw();
  }

  draw() {
    const step = steps[this.at];
    const fresh = this.shown !== this.at;
    this.shown = this.at;
    if (!step) {
      this.title.textContent = 'The end.';
      this.line.textContent = last;
      this.does.textContent = 'Close';
      this.does.hidden = false;
      this.end.hidden = true;
      this.mark(null);
      return;
    }
    this.end.hidden = false;
    this.end.textContent = 'Skip the tour';
    this.does.textContent = 'Do it for me';
    if (fresh) {
      this.title.textContent = `${this.at + 1} of ${steps.length} · ${step.title}.`;
      this.line.replaceChildren(step.say, ...(step.types ? [' ', h('code', null, step.types(this.state))] : []));
      if (step.place === 'server') this.page.column.server.look(step.who);
      if (step.place) this.page.show(step.place === 'server' ? 'server' : step.who);
    }
    const spot = step.spot(this.state);
    this.mark(spot, fresh);
    clearTimeout(this.waiting);
    if (spot && this.astray()) this.complain('');
    this.does.hidden = this.astray(); // there is nothing that it could do
    if (!spot) {
      this.waiting = setTimeout(() => {
        if (this.at !== steps.indexOf(step)) return;
        this.complain(astray);
        this.does.hidden = true;
      }, patience);
    }
  }

  // astray tells whether it was said that things went another way.
  astray() { return this.wrong.textContent.startsWith(capital(astray)); }

  // mark puts a line around where the next thing is to be done.
  mark(selector, fresh) {
    const want = selector ? [...document.querySelectorAll(selector)] : [];
    for (const el of document.querySelectorAll('.here')) if (!want.includes(el)) el.classList.remove('here');
    for (const el of want) el.classList.add('here');
    if (fresh) want[0]?.scrollIntoView?.({ block: 'nearest' });
  }
}
