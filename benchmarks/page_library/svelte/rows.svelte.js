import { firstRows } from "../feed.js";
class Row { value = $state.raw(); constructor(value) { this.value = value; } }
export const rows = firstRows().map((row) => new Row(row));
