// A text that is taken over when it is done, not at each key, and that nothing overwrites meanwhile.

import { useLayoutEffect, useState } from "preact/hooks";

/** The text of a field whose value is given, and how it is set: it stays as typed until that value changes. */
export function useTyped(value: string): [string, (text: string) => void] {
  const [text, setText] = useState(value);
  // Before the next key: what is typed meanwhile would be lost.
  useLayoutEffect(() => setText(value), [value]);
  return [text, setText];
}

interface Props {
  value: string;
  /** What a screen reader calls it, where no label is around it. */
  name?: string;
  placeholder?: string;
  title?: string;
  /** The id of a list of proposals. */
  list?: string;
  decimal?: boolean;
  /** False where the text is none that can be taken: the value comes back. */
  onDone(text: string): boolean | void;
}

export function TextField({ value, name, placeholder, title, list, decimal, onDone }: Props) {
  const [text, setText] = useTyped(value);
  return (
    <input
      type="text"
      value={text}
      aria-label={name}
      placeholder={placeholder}
      title={title}
      inputMode={decimal ? "decimal" : "text"}
      spellcheck={false}
      {...(list === undefined ? {} : { list })}
      onInput={(event) => setText(event.currentTarget.value)}
      onChange={(event) => {
        if (onDone(event.currentTarget.value.trim()) === false) setText(value);
      }}
    />
  );
}
