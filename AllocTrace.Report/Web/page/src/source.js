// A line of source with the expression that allocated marked.
export function sourceElement(name, { source, mark }) {
  const line = document.createElement(name);
  const [from, to] = mark ?? [source.length, source.length];
  const marked = document.createElement("mark");
  marked.textContent = source.slice(from, to);
  line.append(source.slice(0, from), ...(mark ? [marked] : []), source.slice(to));
  return line;
}
