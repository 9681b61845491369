import { describe, expect, test } from "vitest";

import { SAFE_MS, TicketForm } from "./ticketForm.js";

describe("the ticket's order", () => {
  test("has one name for as long as its outcome is unknown and sending it again is safe", () => {
    const ticket = new TicketForm();
    const name = ticket.take(1_000);
    expect(ticket.take(1_001)).toBeNull(); // under way
    ticket.unanswered("no answer");
    expect(ticket.take(1_000 + SAFE_MS)).toBe(name);
  });

  test("is not sent again once the exchange may have forgotten its name", () => {
    const ticket = new TicketForm();
    const name = ticket.take(1_000);
    ticket.unanswered("no answer");
    expect(ticket.take(1_000 + SAFE_MS)).toBe(name); // the time is that of the first try
    ticket.unanswered("no answer");
    expect(ticket.take(1_001 + SAFE_MS)).toBeNull();
    expect(ticket.state()).toBe("idle");
    expect(ticket.refusal()?.text).toMatch(/too late/);
    expect(ticket.take(1_002 + SAFE_MS)).not.toBe(name);
  });

  test("has another name after it was changed or accepted", () => {
    const ticket = new TicketForm();
    const names = [ticket.take(0)];
    ticket.accepted("accepted");
    names.push(ticket.take(SAFE_MS * 2));
    ticket.unanswered("no answer");
    ticket.change({ price: "1.00" });
    names.push(ticket.take(SAFE_MS * 4));
    expect(names).not.toContain(null);
    expect(new Set(names).size).toBe(3);
  });
});
