import { render } from "preact";
import { signal } from "@preact/signals";
import { firstRows, run } from "../feed.js";
const rows = firstRows().map((row) => signal(row));
function Row({ row }) {
  const { price, quantity, total, own } = row.value;
  return <tr class={own ? "own" : ""}><td>{price}</td><td>{quantity}</td><td>{total}</td><td><i style={{ width: `${quantity / 5}px` }} /></td></tr>;
}
render(<table><tbody>{rows.map((row) => <Row row={row} />)}</tbody></table>, document.body);
run((changed) => { for (const [at, row] of changed) rows[at].value = row; });
