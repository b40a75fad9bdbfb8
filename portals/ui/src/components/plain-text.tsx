import { linkify } from '../linkify.ts';

/** Text as people typed it: line breaks kept, addresses clickable, nothing else interpreted. */
export function PlainText({ children }: { children: string }) {
  let offset = 0;
  return (
    <div className="plain-text">
      {linkify(children).map((part) => {
        const key = offset;
        offset += part.text.length;
        return part.href ? (
          <a key={key} href={part.href} target="_blank" rel="noopener noreferrer nofollow">
            {part.text}
          </a>
        ) : (
          part.text
        );
      })}
    </div>
  );
}
