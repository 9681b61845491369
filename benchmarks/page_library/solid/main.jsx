import { render } from "solid-js/web";
import { batch, createSignal, For } from "solid-js";
import { firstRows, run } from "../feed.js";
const rows = firstRows().map((row) => createSignal(row));
function Row(props) {
  const row = props.row[0];
  return <tr class={row().own ? "own" : ""}><td>{row().price}</td><td>{row().quantity}</td><td>{row().total}</td><td><i style={{ width: `${row().quantity / 5}px` }} /></td></tr>;
}
render(() => <table><tbody><For each={rows}>{(row) => <Row row={row} />}</For></tbody></table>, document.body);
run((changed) => batch(() => { for (const [at, row] of changed) rows[at][1](row); }));
