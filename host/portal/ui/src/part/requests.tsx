/** The requests that a run sent to other hosts, in the order in which they were begun. */

import type { Run } from "../api/types.ts";
import { bytes, parseSpan, plural } from "../format/amount.ts";
import { duration } from "../format/time.ts";
import { Badge } from "./state.tsx";
import { TableBox } from "./table-box.tsx";

export function Requests({ run }: { run: Run }) {
  const all = run.usage?.http_calls ?? 0;
  if (run.exchanges.length === 0) return null;
  return (
    <section class="requests">
      <h2>Requests to other hosts</h2>
      <TableBox label="Requests" columns={["Answer", "Request", "Address", "Took", "Sent", "Received"]}>
        {run.exchanges.map((exchange, at) => (
          <tr key={at}>
            <td>
              <Badge state={exchange.error ? "failed" : (exchange.status ?? 0) < 400 ? "succeeded" : "late"}>
                {[exchange.status, exchange.error].filter(Boolean).join(" ") || "no answer"}
              </Badge>
            </td>
            <th scope="row">
              <code>
                {exchange.method} {exchange.scheme}://{exchange.host}:{exchange.port}
              </code>
            </th>
            <td>{exchange.address ? <code>{exchange.address}</code> : <span class="muted">none</span>}</td>
            <td>{duration(parseSpan(exchange.duration) ?? 0)}</td>
            <td>{bytes(exchange.sent)}</td>
            <td>{bytes(exchange.received)}</td>
          </tr>
        ))}
      </TableBox>
      {all > run.exchanges.length && (
        <p class="muted">{plural(all, "request")} in all: only the first ones that were sent are kept.</p>
      )}
    </section>
  );
}
