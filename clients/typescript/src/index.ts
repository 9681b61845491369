/**
 * OpenOutcry for TypeScript and JavaScript. Start with {@link connect}; for a shell of your own, {@link FeedSession}.
 */

export { connect, Market } from "./market.js";
export type { ConnectOptions, OrderTerms, QuoteOutcome } from "./market.js";
export { Book, Latest, LiveAccount, Trades } from "./views.js";
export type { Best } from "./views.js";
export {
  ConnectionRefused, InvalidArgument, NotConnected, OpenOutcryError, OrderRefused, OutcomeUnknown, ProtocolError, Refused, TooManyRequests,
  Unanswered,
} from "./errors.js";
export { amountOf, ticksOf } from "./money.js";
export { isOnTick, roundDown, roundUp } from "./tickTable.js";
export { FeedSession } from "./feedSession.js";
export type { FollowOptions, SessionEvent, SessionOptions, Statistics } from "./feedSession.js";
export { AccountView } from "./accountView.js";
export { BookSide, DepthBook, Verdict } from "./depthBook.js";
export { bookDigest, levelDigest, mix } from "./digest.js";
export type { PricedQuantity, Side } from "./digest.js";
export { FollowedBook } from "./followedBook.js";
export type { StaleReason } from "./followedBook.js";
export { decodePacket, SUBPROTOCOLS } from "./messages.js";
export type * from "./messages.js";
export { encodeRequest } from "./requests.js";
export type {
  Action, Administer, Cancel, CancelAll, Channel, ConfirmProposal, Exercise, Identified, IntervalMs, ListInstruments, Login, NewTerms, OrderName, Ping, PlaceOrder, Position, Present, Quote, QuotedPair, Replace,
  Request, Resync, ShowMarket, Subscribe, Unsubscribe, WithdrawProposal,
} from "./requests.js";
export { Link } from "./link.js";
export type { LinkOptions } from "./link.js";
export { nodeDialer, platformDialer, standardDialer } from "./sockets.js";
export { checkedToken } from "./tokenSource.js";
export type { TokenSource } from "./tokenSource.js";
export type { Dialer, Socket, SocketEnd, SocketHandlers } from "./sockets.js";
export type { MissedTrades } from "./tradeTape.js";
