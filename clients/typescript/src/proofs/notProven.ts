/** What is said of a proof that does not hold. */

import { OpenOutcryError } from "../errors.js";

/** A receipt, head or consistency proof does not prove what it says; the message names what is wrong. */
export class NotProven extends OpenOutcryError {}

/** Two heads are of different blocks: a consistency proof is needed to compare them. */
export class OtherSize extends NotProven {}
