import { h, capital } from './dom.js';
import { act } from './net.js';

// A form opens in the window in which its button was pressed; elsewhere a line says
// that it is open.
let expected = null;
let open = null; // {id, dialog}
const closed = new Set(); // what was closed here; the news of it may still be on its way

// formOf returns the form that is before somebody.
export function formOf(person) { return person.form && !closed.has(person.form.id) ? person.form : null; }

export function expectForm(id, column) {
  expected = { id, column };
  updateForms(column.state); // it may have been quicker
}

// updateForms opens what was asked for, and closes what is gone.
export function updateForms(state) {
  if (open && !state.people.some((p) => p.form?.id === open.id)) {
    open.gone = true;
    open.dialog.close();
  }
  if (!expected) return;
  const { id, column } = expected;
  const person = state.people.find((p) => p.form?.id === id);
  if (!person) return;
  expected = null;
  showForm(person, column.names);
}

export function showForm(person) {
  const form = formOf(person);
  if (!form || open) return;
  const back = document.activeElement;
  const fields = form.fields.map((f, i) => field(f, i, form.fields.length > 2 ? 2 : 5));
  const wrong = h('p', { class: 'wrong', role: 'alert', hidden: true });
  const dialog = h('dialog', { 'aria-labelledby': 'form-title', id: 'form' },
    h('form', { onsubmit: (e) => { e.preventDefault(); send(); } },
      h('h2', { id: 'form-title' }, form.title),
      h('p', { class: 'note' }, `A form for ${capital(person.name)}. What is written here goes to Aftercare.`),
      fields.map((f) => f.root), wrong,
      h('div', { class: 'row' },
        h('button', { type: 'button', class: 'press', onclick: () => dialog.close() }, 'Cancel'),
        h('button', { type: 'submit', class: 'press marked', id: 'form-send' }, 'Submit'))));
  const send = async () => {
    const values = Object.fromEntries(fields.map((f) => [f.id, f.value()]));
    const { error } = await act({ do: 'submit', who: person.name, input: form.id, fields: values });
    if (!error) {
      if (open) open.gone = true;
      dialog.close();
      return;
    }
    wrong.textContent = capital(error) + (error.endsWith('.') ? '' : '.');
    wrong.hidden = false;
  };
  dialog.addEventListener('close', () => {
    closed.add(form.id);
    if (!open.gone) act({ do: 'closeForm', who: person.name, input: form.id });
    open = null;
    dialog.remove();
    const where = back?.isConnected ? back : document.getElementById(`composer-${person.name}`);
    where?.focus();
    document.dispatchEvent(new Event('formclosed'));
  });
  open = { id: form.id, dialog };
  document.body.append(dialog);
  dialog.showModal();
  fields[0]?.focus();
  document.dispatchEvent(new Event('formopened'));
}

function field(f, i, rows) {
  const id = `field-${i}`;
  if (f.kind === 'menu') return selectField(f, id);
  const input = h(f.kind === 'line' ? 'input' : 'textarea', {
    id, maxlength: f.most, minlength: f.least || undefined, required: f.required, placeholder: f.placeholder, rows: f.kind === 'line' ? undefined : rows,
    autocomplete: 'off', 'aria-describedby': `${id}-left`,
  });
  input.value = f.value || '';
  const left = h('span', { class: 'left', id: `${id}-left` });
  const count = () => { left.textContent = `${[...input.value].length} of ${f.most}`; };
  input.addEventListener('input', count);
  count();
  return {
    id: f.id, value: () => input.value, focus: () => input.focus(),
    root: h('div', { class: 'field' }, h('label', { for: id }, f.label, f.required && h('span', { class: 'needed' }, ' (needed)')), input, left),
  };
}

// Sent as options' labels with " | " between, as Discord's own form test does.
function selectField(f, id) {
  const select = h('select', { id, multiple: f.most > 1, required: f.required },
    f.most === 1 && h('option', { value: '' }, f.placeholder || 'Choose'),
    f.options.map((o) => h('option', { value: o.label, selected: o.default }, o.label)));
  return {
    id: f.id, value: () => [...select.selectedOptions].map((o) => o.value).filter(Boolean).join(' | '), focus: () => select.focus(),
    root: h('div', { class: 'field' }, h('label', { for: id }, f.label), select),
  };
}
