/** 500 changes a second to a ladder of 200 rows, handed over once a frame; the same numbers for every library. */
export const ROWS = 200;
const CHANGES_PER_MS = 0.5;

export function firstRows() {
  return Array.from({ length: ROWS }, (_, at) => ({ price: 10_100 - at, quantity: 1 + ((at * 7_919) % 400), total: at * 20, own: at % 40 === 0 }));
}

export function run(apply) {
  let seed = 1;
  const random = () => (seed = (seed * 48_271) % 2_147_483_647) / 2_147_483_647;
  let last = performance.now();
  let owed = 0;
  window.frames_drawn = 0;
  const draw = (now) => {
    owed += (now - last) * CHANGES_PER_MS;
    last = now;
    const changed = new Map();
    for (; owed >= 1; owed -= 1) {
      const at = Math.floor(random() * ROWS);
      changed.set(at, { price: 10_100 - at, quantity: Math.floor(random() * 500), total: Math.floor(random() * 20_000), own: random() < 0.02 });
    }
    apply(changed);
    window.frames_drawn += 1;
    requestAnimationFrame(draw);
  };
  requestAnimationFrame(draw);
}
