/** A table that scrolls within its box, with its head. */

import type { ComponentChildren } from "preact";

interface TableBoxProps {
  /** What the rows are. */
  label: string;
  columns: string[];
  /** Columns that a small screen has no room for; their cells have the class `secondary`. */
  secondary?: string[];
  /** Whether a last column has what can be done with a row. */
  acts?: boolean;
  children: ComponentChildren;
}

export function TableBox({ label, columns, secondary = [], acts, children }: TableBoxProps) {
  return (
    <div class="table-box" tabIndex={0} role="region" aria-label={label}>
      <table>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column} scope="col" class={secondary.includes(column) ? "secondary" : ""}>
                {column}
              </th>
            ))}
            {acts && (
              <th scope="col">
                <span class="visually-hidden">What to do</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>{children}</tbody>
      </table>
    </div>
  );
}
