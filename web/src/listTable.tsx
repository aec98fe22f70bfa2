// A table of things, one a row, that scrolls sideways where it is too wide.

import type { ComponentChildren } from "preact";

/** A column's name; of a column of numbers, or one whose name is only read out. */
export type Column = string | { number: string } | { hidden: string };

export function ListTable({
  columns,
  children,
}: {
  columns: (Column | false)[];
  children: ComponentChildren;
}) {
  return (
    <div class="scroll">
      <table class="list">
        <thead>
          <tr>{columns.map((column) => column && <Head column={column} />)}</tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}

function Head({ column }: { column: Column }) {
  if (typeof column === "string") return <th scope="col">{column}</th>;
  if ("number" in column)
    return (
      <th scope="col" class="number">
        {column.number}
      </th>
    );
  return (
    <th scope="col">
      <span class="hidden">{column.hidden}</span>
    </th>
  );
}
