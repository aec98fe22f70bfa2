// The name of a file, which is broken where it has a mark, not in a word.

import { Fragment } from "preact";

export function FileName({ name }: { name: string }) {
  return (
    <>
      {name.split(/(?<=[/_.-])/).map((part, i) => (
        <Fragment key={i}>
          {part}
          <wbr />
        </Fragment>
      ))}
    </>
  );
}
