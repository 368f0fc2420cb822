// Texts in the language of the page. The English ones are their keys; another language comes with a script of its own (consoleWords).

const known = () => globalThis.consoleWords;
const filled = (text, values) => text.replace(/%\((\w+)\)s|%%/g, (all, name) => (name ? values[name] : "%"));

/** A text with its values: _("%(used)s of %(cap)s", { used, cap }). A percent sign is written %%. */
export const _ = (text, values = {}) => filled(known()?.texts[text]?.[0] ?? text, values);

/** One of two texts, or of as many as the language has, by a number. The number itself is a value like others. */
export function ngettext(one, many, number, values = {}) {
  const found = known()?.texts[one];
  return filled(found ? found[known().formOf(number)] : number === 1 ? one : many, values);
}
