// Elements, made in one expression.

const SVG = "http://www.w3.org/2000/svg";

/** An element with attributes (those that are false or null are left out), listeners (on…), and children. */
export function make(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same of SVG. */
export const makeSVG = (tag, attributes = {}, ...children) => fill(document.createElementNS(SVG, tag), attributes, children);

/** One of our icons, which stands where the page's others are from. */
export function icon(name) {
  return makeSVG("svg", { class: "icon", width: 16, height: 16, "aria-hidden": "true" }, makeSVG("use", { href: new URL(`../../icons.svg#${name}`, import.meta.url) }));
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}
