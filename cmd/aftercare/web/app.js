import { $, h, capital, say } from './dom.js';
import { setNow, now, clockKnown, tick, written } from './clock.js';
import { act, listen, hasKey } from './net.js';
import { Column, mark } from './chat.js';
import { updateForms } from './form.js';
import { Disk } from './disk.js';
import { Tour } from './tour.js';

const hour = 3600000;
const narrow = matchMedia('(max-width: 759px)');
const people = ['alex', 'sam', 'kit'];

const columns = [new Column('server', people[0], people), ...people.map((name) => new Column('dm', name, people))];
const column = Object.fromEntries(columns.map((c) => [c.id, c]));
const disk = new Disk($('disk'));
let state = null;
let chosen = 'server'; // the tab
const tour = new Tour($('tour'), { column, show: choose, seen: (id) => activate(column[id]) });

$('columns').append(...columns.map((c) => c.root));
const tabs = Object.fromEntries([...columns.map((c) => c.id), 'disk'].map((id) => [id, tab(id)]));
$('tabs').append(...Object.values(tabs));

function tab(id) {
  const label = { server: 'Server', disk: 'Disk' }[id] || capital(id);
  return h('button', { type: 'button', role: 'tab', id: `tab-${id}`, 'aria-controls': id === 'disk' ? 'disk' : `column-${id}`, onclick: () => choose(id), onkeydown: (e) => {
    const all = Object.keys(tabs);
    const step = { ArrowRight: 1, ArrowLeft: -1 }[e.key];
    if (!step) return;
    e.preventDefault();
    const next = all[(all.indexOf(id) + step + all.length) % all.length];
    choose(next);
    tabs[next].focus();
  } }, label, h('span', { class: 'badge', hidden: true }));
}

// choose shows one tab, where there is room for one only.
function choose(id) {
  chosen = id;
  layout();
  if (narrow.matches && column[id]) column[id].log.scrollTop = column[id].log.scrollHeight;
}

function layout() {
  for (const [id, el] of Object.entries(tabs)) {
    el.setAttribute('aria-selected', String(id === chosen));
    el.tabIndex = id === chosen ? 0 : -1;
  }
  for (const c of columns) {
    c.root.hidden = narrow.matches && c.id !== chosen;
    if (narrow.matches) c.root.setAttribute('role', 'tabpanel');
    else c.root.removeAttribute('role');
  }
  if (narrow.matches && column[chosen]) activate(column[chosen]); // it is all that is before anybody's eyes
  $('columns').hidden = narrow.matches && chosen === 'disk';
  disk.show(narrow.matches ? chosen === 'disk' : $('diskopen').getAttribute('aria-expanded') === 'true');
}

// activate marks what stands in a conversation as read.
function activate(c) {
  for (const other of columns) other.active = other === c;
  c.read();
}

for (const c of columns) {
  c.onactive = activate;
  c.onunread = () => {
    mark(tabs[c.id].lastChild, c.unreadCount());
  };
}

function drawClock() {
  if (clockKnown()) $('clock').textContent = written(now(), 'f');
  tick();
}

function drawTop() {
  $('power').setAttribute('aria-checked', String(state.online));
  $('powered').textContent = state.online ? 'The bot is online' : 'The bot is offline';
  const next = $('tonext');
  next.disabled = !state.next;
  next.textContent = state.next && !state.checkin ? 'To what comes next' : 'To the next check-in';
}

// once keeps a button from being pressed again while it works.
async function once(button, a, done) {
  if (button.getAttribute('aria-busy') === 'true') return;
  button.setAttribute('aria-busy', 'true');
  const { error } = await act(a);
  button.removeAttribute('aria-busy');
  trouble(error ? `${capital(error)}.` : '');
  if (!error && done) say(done);
}

let gone = '';
function trouble(text) {
  $('lost').textContent = gone || text;
  $('lost').hidden = !(gone || text);
}

const reasons = {
  ended: 'The demo has ended, and nothing of it is left. Start it again with: aftercare demo --web. This page looks for it meanwhile.',
  other: 'Another demo runs at this address now. Open the whole address that it printed.',
};

$('plus1').addEventListener('click', (e) => once(e.currentTarget, { do: 'pass', by: hour }, 'An hour has passed'));
$('plus24').addEventListener('click', (e) => once(e.currentTarget, { do: 'pass', by: 24 * hour }, 'A day has passed'));
$('tonext').addEventListener('click', (e) => once(e.currentTarget, { do: 'toNext' }, 'Time has passed'));
$('power').addEventListener('click', (e) => once(e.currentTarget, { do: 'power', on: !state?.online }));
$('reset').addEventListener('click', (e) => once(e.currentTarget, { do: 'reset' }, 'Begun anew'));
$('tourstart').addEventListener('click', () => tour.offer());
$('diskopen').addEventListener('click', (e) => {
  e.currentTarget.setAttribute('aria-expanded', String(e.currentTarget.getAttribute('aria-expanded') !== 'true'));
  layout();
});
narrow.addEventListener('change', layout);
for (const event of ['formopened', 'formclosed']) {
  document.addEventListener(event, () => {
    for (const c of columns) c.drawControls();
    tour.update();
  });
}
setInterval(drawClock, 1000);
layout();

if (hasKey) {
  listen({
    time(ms) { setNow(ms); drawClock(); },
    state(s) {
      state = s;
      for (const c of columns) c.update(s);
      drawTop();
      updateForms(s);
      disk.update(s);
      tour.update(s);
      document.body.dataset.ready = 'true';
    },
    lost(why) {
      gone = reasons[why] || '';
      document.body.classList.toggle('gone', gone !== '');
      trouble('');
    },
  });
} else {
  gone = 'The key is missing: open the whole address that the demo printed, with what stands behind the #.';
  trouble('');
}
