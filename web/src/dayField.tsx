// A day, written as the whole station writes it: 2014-07-20.

import { useTyped } from "./textField";

const DAY = /^\d{4}-\d{2}-\d{2}$/;

interface Props {
  name: string;
  value: string;
  onChange(day: string): void;
}

export function DayField({ name, value, onChange }: Props) {
  const [text, setText] = useTyped(value);
  const wrong = isWrong(text);
  return (
    <input
      type="text"
      class="day"
      inputMode="numeric"
      aria-label={name}
      aria-invalid={wrong}
      title={wrong ? "Write the day as 2014-07-20" : name}
      placeholder={`${name.toLowerCase()} y-m-d`}
      maxLength={10}
      value={text}
      onInput={(event) => setText(event.currentTarget.value)}
      onChange={(event) => {
        if (!isWrong(event.currentTarget.value)) onChange(event.currentTarget.value);
      }}
    />
  );
}

const isWrong = (text: string): boolean =>
  text !== "" && !(DAY.test(text) && !Number.isNaN(Date.parse(text)));
