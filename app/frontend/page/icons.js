/* Line icons, 16 x 16. */

const PATHS = {
  search: '<circle cx="7" cy="7" r="4.5"/><path d="m10.5 10.5 3.5 3.5"/>',
  more: '<path d="M3.5 8h.1M8 8h.1M12.5 8h.1" stroke-width="2.2"/>',
  eye: '<path d="M1.5 8S4 3.6 8 3.6 14.5 8 14.5 8 12 12.4 8 12.4 1.5 8 1.5 8z"/><circle cx="8" cy="8" r="1.9"/>',
  file: '<path d="M4 1.8h5L12.5 5v9.2H4z"/><path d="M9 1.8V5h3.5"/>',
  spark: '<path d="M8 1.8 9.6 6.4 14.2 8 9.6 9.6 8 14.2 6.4 9.6 1.8 8l4.6-1.6z"/>',
  replay: '<path d="M3 8a5 5 0 1 0 1.6-3.7L2.8 6"/><path d="M2.8 2.6V6h3.4"/>',
  fork: '<path d="M2 8h4c3 0 3-5 6-5h2M12 1l2 2-2 2M6 8c3 0 3 5 6 5h2M12 11l2 2-2 2"/>',
  join: '<path d="M2 3h3c2 0 2.5 5 4.5 5H14M2 13h3c2 0 2.5-5 4.5-5M2 8h12"/>',
  scales: '<path d="M8 2.2v11.6M4.5 13.8h7M3 4.4h10M3 4.4 1.4 9h3.2zM13 4.4 11.4 9h3.2z"/>',
  lines: '<path d="M2.5 3h11M2.5 6.4h7M2.5 9.8h11M2.5 13.2h5"/>',
  warn: '<path d="M8 2 14.6 13.6H1.4z"/><path d="M8 6.4v3.4M8 11.7v.1"/>',
  box: '<path d="m8 1.8 5.6 3v6.4L8 14.2l-5.6-3V4.8z"/><path d="M2.4 4.8 8 7.8l5.6-3M8 7.8v6.4"/>',
  mask: '<path d="M2 3.5c4 1.4 8 1.4 12 0v4.2c0 3.2-2.6 5.3-6 6.1-3.4-.8-6-2.9-6-6.1z"/><path d="M5.2 7.4h1.6M9.2 7.4h1.6M6.2 10.2c1.2.8 2.4.8 3.6 0"/>',
  graph: '<rect x="1.8" y="2.5" width="5" height="4" rx="1"/><rect x="9.2" y="9.5" width="5" height="4" rx="1"/><path d="M4.3 6.5v5h4.9"/>',
  table: '<rect x="2" y="3" width="12" height="10" rx="1.5"/><path d="M2 6.5h12M6.5 6.5V13"/>',
  tag: '<path d="M2 2.5h5.6L14 8.9 8.9 14 2 7.6z"/><circle cx="5.2" cy="5.6" r=".9"/>',
  help: '<circle cx="8" cy="8" r="6"/><path d="M6.2 6.3a1.8 1.8 0 1 1 2.6 1.6c-.6.3-.8.6-.8 1.2M8 11.2v.1"/>',
  moon: '<path d="M13.5 9.6A5.8 5.8 0 1 1 6.4 2.5a4.6 4.6 0 0 0 7.1 7.1z"/>',
  sun: '<circle cx="8" cy="8" r="3"/><path d="M8 1.5v1.4M8 13.1v1.4M1.5 8h1.4M13.1 8h1.4M3.4 3.4l1 1M11.6 11.6l1 1M12.6 3.4l-1 1M4.4 11.6l-1 1"/>',
  down: '<path d="m4 6.2 4 4 4-4"/>',
  up: '<path d="m4 9.8 4-4 4 4"/>',
  right: '<path d="m6.2 4 4 4-4 4"/>',
  left: '<path d="m9.8 4-4 4 4 4"/>',
  tick: '<path d="m3 8.6 3.2 3.2L13 4.6"/>',
  play: '<path d="M4.5 2.6v10.8L13 8z"/>',
  done: '<circle cx="8" cy="8" r="6"/><path d="m5.3 8.3 1.9 1.9 3.6-4"/>',
  copy: '<rect x="5.5" y="5.5" width="8" height="8" rx="1.5"/><path d="M3.5 10.5h-1v-8h8v1"/>',
  again: '<path d="M13 8a5 5 0 0 1-9 3M3 8a5 5 0 0 1 9-3"/><path d="M12.4 2v3.2H9.2M3.6 14v-3.2h3.2"/>',
  funnel: '<path d="M2 3h12L9.4 8.4v4.8l-2.8-1.4V8.4z"/>',
  database: '<ellipse cx="8" cy="3.8" rx="5.2" ry="2"/><path d="M2.8 3.8v8.4c0 1.1 2.3 2 5.2 2s5.2-.9 5.2-2V3.8M2.8 8c0 1.1 2.3 2 5.2 2s5.2-.9 5.2-2"/>',
  braces: '<path d="M5.5 2.5c-2 0-2 1-2 2.6S3.4 8 2 8c1.4 0 1.5 1.3 1.5 2.9s0 2.6 2 2.6M10.5 2.5c2 0 2 1 2 2.6S12.6 8 14 8c-1.4 0-1.5 1.3-1.5 2.9s0 2.6-2 2.6"/>',
  undo: '<path d="M5.5 3 2.5 6l3 3"/><path d="M2.5 6H10a3.5 3.5 0 0 1 0 7H6"/>',
  redo: '<path d="m10.5 3 3 3-3 3"/><path d="M13.5 6H6a3.5 3.5 0 0 0 0 7h4"/>',
  wrench: '<path d="M13.6 4.6a3.6 3.6 0 0 1-4.9 4.2L4.4 13.2a1.6 1.6 0 0 1-2.3-2.3L6.5 6.5a3.6 3.6 0 0 1 4.3-4.8L8.8 3.8l.4 2.4 2.4.4z"/>',
  key: '<circle cx="5" cy="8" r="3.2"/><path d="M8.2 8H14M11.5 8v2.6M14 8v1.8"/>',
  cross: '<path d="m4 4 8 8M12 4l-8 8"/>',
  arc: '<circle cx="8" cy="8" r="6" opacity=".3"/><path d="M8 2a6 6 0 0 1 6 6" stroke-width="2"/>',
  out: '<path d="M9.5 2.5h4v4M13.5 2.5 7.5 8.5M11.5 9.5v4h-9v-9h4"/>',
  pause: '<path d="M5 3v10M11 3v10"/>',
  paused: '<circle cx="8" cy="8" r="6"/><path d="M6.4 5.6v4.8M9.6 5.6v4.8"/>',
  stop: '<rect x="3.5" y="3.5" width="9" height="9" rx="1.5"/>',
  dotted: '<circle cx="8" cy="8" r="6" stroke-dasharray="2 2.2"/>',
  grid: '<rect x="2" y="2" width="5" height="5" rx="1"/><rect x="9" y="2" width="5" height="5" rx="1"/><rect x="2" y="9" width="5" height="5" rx="1"/><rect x="9" y="9" width="5" height="5" rx="1"/>',
  download: '<path d="M8 2.5v8.2M4.8 7.5 8 10.7l3.2-3.2M2.5 10.5v3h11v-3"/>',
  upload: '<path d="M8 11V2.8M4.8 6 8 2.8 11.2 6M2.5 10.5v3h11v-3"/>',
  clock: '<circle cx="8" cy="8" r="6"/><path d="M8 4.5V8l2.4 1.6"/>',
  group: '<rect x="2.5" y="2.5" width="11" height="11" rx="1.5" stroke-dasharray="2.2 2"/>',
  fit: '<path d="M2.5 5.5v-3h3M10.5 2.5h3v3M13.5 10.5v3h-3M5.5 13.5h-3v-3"/>',
  trash: '<path d="M2.5 4.5h11M6 4.5v-2h4v2M4 4.5l.6 9h6.8l.6-9M6.6 7v4M9.4 7v4"/>',
  link: '<path d="M6.5 9.5 9.5 6.5M7 4.6l1.3-1.3a2.9 2.9 0 0 1 4.1 4.1L11.1 8.7M8.9 11.4l-1.3 1.3a2.9 2.9 0 0 1-4.1-4.1l1.3-1.3"/>',
  pencil: '<path d="M10.8 2.7 13.3 5.2 5.5 13H3v-2.5zM9.3 4.2l2.5 2.5"/>',
  person: '<circle cx="8" cy="5.2" r="2.8"/><path d="M2.6 14c.6-3 2.8-4.4 5.4-4.4s4.8 1.4 5.4 4.4"/>',
  list: '<path d="M5.5 4h8M5.5 8h8M5.5 12h8M2.5 4h.1M2.5 8h.1M2.5 12h.1"/>',
  settings: '<path d="M2 4.5h6M11 4.5h3M2 11.5h3M8 11.5h6"/><circle cx="9.5" cy="4.5" r="1.6"/><circle cx="6.5" cy="11.5" r="1.6"/>',
  plus: '<path d="M8 3v10M3 8h10"/>',
};

const cache = new Map();

export function icon(name, classes = "") {
  if (!cache.has(name)) {
    const holder = document.createElement("template");
    holder.innerHTML = `<svg class="df-i" viewBox="0 0 16 16" aria-hidden="true">${PATHS[name] ?? PATHS.box}</svg>`;
    cache.set(name, holder.content.firstChild);
  }
  const made = cache.get(name).cloneNode(true);
  if (classes) made.classList.add(...classes.split(" "));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, attributes = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}
