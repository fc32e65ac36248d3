// h makes an element. What is text stays text: nothing here ever reads HTML.
export function h(tag, props, ...children) {
  const el = document.createElement(tag);
  for (const [name, value] of Object.entries(props || {})) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith('on')) el.addEventListener(name.slice(2), value);
    else if (name === 'class') el.className = value;
    else if (name === 'data') Object.assign(el.dataset, value);
    else el.setAttribute(name, value === true ? '' : value);
  }
  el.append(...children.flat().filter((c) => c !== undefined && c !== null && c !== false && c !== ''));
  return el;
}

export const $ = (id) => document.getElementById(id);

export const capital = (s) => s.slice(0, 1).toUpperCase() + s.slice(1);

// say tells something to whoever listens to the page, not to whoever sees it.
export function say(text) { $('said').textContent = text; }
