// Elements are made of data, and text is only ever set as text: what comes from events is never markup.
const SVG = "http://www.w3.org/2000/svg";
const svgTags = new Set(["svg", "g", "rect", "path", "line", "text", "title", "desc", "circle", "tspan"]);

// h makes an element: h("p", {class: "note"}, "text", h("b", {}, "more")). Members that are null or false are left out.
export function h(tag, attrs, ...children) {
  const el = svgTags.has(tag) ? document.createElementNS(SVG, tag) : document.createElement(tag);
  for (const [name, value] of Object.entries(attrs || {})) {
    if (value === null || value === undefined || value === false) continue;
    el.setAttribute(name, value === true ? "" : String(value));
  }
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    el.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
  return el;
}

// show makes the children of el what they are in next, and leaves alone what is the same already: the focus, a selection and what was
// opened stay as they are.
export function show(el, ...next) {
  const want = next.flat(Infinity).filter((n) => n !== null && n !== undefined && n !== false);
  const have = [...el.childNodes];
  want.forEach((node, i) => {
    if (i >= have.length) el.append(node);
    else if (!same(have[i], node)) have[i].replaceWith(node);
    else update(have[i], node);
  });
  have.slice(want.length).forEach((node) => node.remove());
}

const same = (a, b) => a.nodeType === b.nodeType && a.nodeName === b.nodeName;

function update(old, now) {
  if (old.nodeType === Node.TEXT_NODE) {
    if (old.data !== now.data) old.data = now.data;
    return;
  }
  for (const { name, value } of [...now.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name) && name !== "open") old.removeAttribute(name);
  show(old, ...now.childNodes);
}
