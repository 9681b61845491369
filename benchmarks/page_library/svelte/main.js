import { flushSync, mount } from "svelte";
import Ladder from "./Ladder.svelte";
import { rows } from "./rows.svelte.js";
import { run } from "../feed.js";
mount(Ladder, { target: document.body });
run((changed) => { for (const [at, row] of changed) rows[at].value = row; flushSync(); });
