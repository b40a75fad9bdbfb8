import { markedParts } from '../marked.ts';

/** Text with the search's hits as `<mark>`. */
export function Marked({ children }: { children: string }) {
  let offset = 0;
  return markedParts(children).map(({ text, hit }) => {
    const key = offset;
    offset += text.length;
    return hit ? <mark key={key}>{text}</mark> : <span key={key}>{text}</span>;
  });
}
