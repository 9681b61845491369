/**
 * Proofs of the ledger, for those who trust neither it nor its operator: `import { verifyReceipt } from "openoutcry/proofs"`.
 *
 * Pure and synchronous, in Node and in browsers, wherever the page comes from: `crypto.subtle` is absent outside secure
 * contexts, and not every engine has its Ed25519, so SHA-256 and Ed25519 are those of @noble.
 */

export { checkConsistency, readKeys, verifyHead } from "./head.js";
export type { Head, VerifyingKeys } from "./head.js";
export type { Fields } from "./leaf.js";
export { isConsistent, leafHash, nodeHash, rootByInclusion } from "./merkle.js";
export { NotProven, OtherSize } from "./notProven.js";
export { verifyReceipt } from "./receipt.js";
export type { Block, ProvenExecution, ProvenReceipt } from "./receipt.js";
