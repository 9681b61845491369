/** Keys that work everywhere on the page. */

/** One key cancels all: a function key, so that nothing that is typed can do it. */
export const CANCEL_ALL_KEY = "F8";
