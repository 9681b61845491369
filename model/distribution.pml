/* Distribution: from the feed through the gateways to a client, who may lose anything and return anywhere.
 *
 * Owns the lower half of the protocol: reading the feed, noticing gaps and a log that went backwards, snapshots and
 * cover, resuming, the client's rule. The engine and the store are one process here, which does no more than
 * publishing.pml has been shown to do: one history for each epoch (S2), an unbroken chain in the feed (S3), snapshots that
 * the cover does not run ahead of (S5), and after a lost tail either its healing or a new epoch.
 * It may do less well in one point: a new term may be below one that was lost, as if a clock had gone back.
 * model/README.md says what is abstracted and why that is sound.
 *
 * A book is the list of the epochs in which its changes were made, two bits each, the first one highest: books are
 * equal exactly if the numbers are, and a book's seq is its length. The digit 3 is no epoch: it marks a book that is wrong.
 *
 * Each rule can be left out with a flag (all are listed in run.py); then some assertion, or the claim at the end, must fail.
 */

#ifndef CHANGES
#define CHANGES 2	/* changes of the book after the first */
#endif
#ifndef ROLLBACKS
#define ROLLBACKS 1	/* times that the store comes back as an earlier state of itself */
#endif
#ifndef TAKEOVERS
#define TAKEOVERS 1	/* new leaders without any loss */
#endif
#ifndef DISCONNECTS
#define DISCONNECTS 1	/* connections that end for no reason of the protocol's */
#endif
#ifndef GATEWAY_CRASHES
#define GATEWAY_CRASHES 1
#endif
#ifndef LOST_FRAMES
#define LOST_FRAMES 1	/* frames that vanish from a connection which lives (TCP does not do that; a proxy or a bug may) */
#endif
#ifndef REPEATED_FRAMES
#define REPEATED_FRAMES 1
#endif
#ifndef WRONG_BOOKS
#define WRONG_BOOKS 1	/* books that a client wrongly believes to be right when it returns */
#endif

#if ROLLBACKS > 1 || TAKEOVERS > 1 || CHANGES > 3
#error terms, epochs and books are made for less
#endif

#ifndef CHECK
#define CHECK 0
#endif
#define PROPERTY(number, condition) assert((CHECK != 0 && CHECK != number) || (condition))

#define LENGTH(book) ((book) == 0 -> 0 : ((book) < 4 -> 1 : ((book) < 16 -> 2 : ((book) < 64 -> 3 : 4))))
#define PREFIX(book, length) ((book) >> (2 * (LENGTH(book) - (length))))
#define COMES_FROM(book, earlier) (LENGTH(earlier) <= LENGTH(book) && PREFIX(book, LENGTH(earlier)) == (earlier))
#define WRONG(book) ((book) | 3)

#define NOBODY 2
#define NOT_SENT 15
#define FEED_MAX 8
#define EPOCHS 3
#define WIRE_MAX 2

/* The store. */

byte feed_term[FEED_MAX], feed_epoch[FEED_MAX], feed_book[FEED_MAX], feed_prev[FEED_MAX];
byte feed_first, feed_end;	/* what is in the feed */
byte snapshot_book, snapshot_epoch, cover_term, cover_length;
bool replica;
byte replica_end, replica_first, replica_book, replica_epoch, replica_cover_term, replica_cover_length;
byte kept_end;			/* above feed_end: the tail is lost, and the leader has kept it up to here */

/* The engine. */

byte epoch = 1;
byte book = 1;
byte history[EPOCHS];		/* the longest book that the engine had in each epoch */

/* The gateways. */

bool placed[2], is_open[2];
byte place_term[2], place_length[2];
byte held_epoch[2], held_book[2];
byte held_seqs[2];		/* bit n: the digest at seq n is remembered, and all changes since */
byte sent[2];			/* the seq up to which the members of the client's channel have been told */

/* The connection, and the client. */

mtype = { SNAPSHOT, DELTA, HEARTBEAT, STATUS };
mtype = { LOADING, VERIFIED, UNCONFIRMED, BROKEN, CORRUPT };

chan wire = [WIRE_MAX] of { mtype, byte, byte };
byte via = NOBODY;		/* the gateway to which the client is connected */
mtype standing = LOADING;
bool is_fed;
byte client_epoch, client_book;

byte changes = CHANGES, rollbacks = ROLLBACKS, takeovers = TAKEOVERS, disconnects = DISCONNECTS;
byte gateway_crashes = GATEWAY_CRASHES, lost_frames = LOST_FRAMES, repeated_frames = REPEATED_FRAMES;
byte wrong_books = WRONG_BOOKS;

#define FEED_LAST (feed_end - 1)
#define LAST_LENGTH LENGTH(feed_book[FEED_LAST])

/* The exchange. */

inline append(new_term, prev) {
	feed_term[feed_end] = new_term; feed_epoch[feed_end] = epoch; feed_book[feed_end] = book; feed_prev[feed_end] = prev;
	feed_end++; kept_end = feed_end;
	printf("the exchange appends %d-%d, epoch %d, book %d\n", new_term, LENGTH(book), epoch, book);
	history[epoch] = book
}

inline store_snapshot() {
	snapshot_book = book; snapshot_epoch = epoch
}

inline store_cover() {
	cover_term = feed_term[FEED_LAST]; cover_length = LAST_LENGTH
}

/* Entries up to the cover may go. */
inline trim() {
	do
#ifdef TRIM_BEYOND_COVER
	:: feed_first < FEED_LAST ->
#else
	:: feed_first < FEED_LAST && (feed_term[feed_first] < cover_term ||
		(feed_term[feed_first] == cover_term && LENGTH(feed_book[feed_first]) <= cover_length)) ->
#endif
		feed_first++
	:: else -> break
	od
}

inline begin_epoch() {
	epoch++; book = feed_book[FEED_LAST];
	/* Above what the store has; below what it has lost, if that was term 3 and a clock went back. */
	if
	:: feed_term[FEED_LAST] < 2 -> new_term = 2
	:: true -> new_term = 4
	fi;
	append(new_term, LENGTH(book)); store_snapshot(); store_cover(); new_term = 0
}

proctype Exchange() {
	byte new_term;
	do
	:: atomic { changes > 0 && kept_end == feed_end ->
		changes--;
		book = (book << 2) | epoch;
		append(feed_term[FEED_LAST], LENGTH(book) - 1);
		if
		:: true
		:: store_snapshot()
		:: store_snapshot(); store_cover(); trim()
#ifdef TRIM_BEYOND_COVER
		:: trim()
#endif
		fi }
	/* Another engine takes over; nothing is lost. */
	:: atomic { takeovers > 0 && kept_end == feed_end ->
		takeovers--;
		new_term = (feed_term[FEED_LAST] < 3 -> 3 : 5);
		append(new_term, LENGTH(book)); store_snapshot(); store_cover(); new_term = 0 }
	/* The leader lives and heals what the store has lost. */
	:: d_step { kept_end > feed_end -> printf("the exchange heals the feed\n"); feed_end = kept_end; store_snapshot(); store_cover() }
	/* The leader is gone too: another history begins. */
	:: atomic { kept_end > feed_end ->
		do
		:: kept_end > feed_end -> kept_end--; feed_term[kept_end] = 0; feed_epoch[kept_end] = 0; feed_book[kept_end] = 0; feed_prev[kept_end] = 0
		:: else -> break
		od;
		begin_epoch() }
	od
}

proctype StoreFaults() {
	byte new_term;
	do
	:: d_step { rollbacks > 0 && !replica && kept_end == feed_end ->
		replica = true;
		printf("the replica has its last update\n");
		replica_end = feed_end; replica_first = feed_first; replica_book = snapshot_book; replica_epoch = snapshot_epoch;
		replica_cover_term = cover_term; replica_cover_length = cover_length }
	:: atomic { rollbacks > 0 && replica && kept_end == feed_end ->
		rollbacks--; replica = false;
		feed_end = replica_end; feed_first = replica_first; snapshot_book = replica_book; snapshot_epoch = replica_epoch;
		cover_term = replica_cover_term; cover_length = replica_cover_length;
		printf("the replica becomes the store: the feed ends at %d-%d\n", feed_term[FEED_LAST], LAST_LENGTH);
		replica_end = 0; replica_first = 0; replica_book = 0; replica_epoch = 0; replica_cover_term = 0; replica_cover_length = 0;
		/* If nothing was lost, nobody can know: another epoch all the same, if the leader died with the store. */
		if
		:: kept_end == feed_end -> begin_epoch()
		:: true
		fi }
	od
}

/* The gateways' readers. */

inline say_status(g, open) {
	if
	:: is_open[g] != open ->
		is_open[g] = open;
		if
		:: via == g -> wire!STATUS(open, 0)
		:: else
		fi
	:: else
	fi
}

inline lose_place(g) {
	printf("gateway %d loses its place\n", g);
	placed[g] = false; place_term[g] = 0; place_length[g] = 0;
	say_status(g, false)
}

#define ROOM (len(wire) < WIRE_MAX)
#define CAN_SAY(g) (via != g || ROOM)

#define IS_LATER(entry, g) (feed_term[entry] > place_term[g] || \
	(feed_term[entry] == place_term[g] && LENGTH(feed_book[entry]) > place_length[g]))
#define HAS_NEWS(g) (IS_LATER(FEED_LAST, g))
#define WENT_BACK(g) (feed_term[FEED_LAST] < place_term[g] || \
	(feed_term[FEED_LAST] == place_term[g] && LAST_LENGTH < place_length[g]))

/* XREAD: the first entry after the place. What was trimmed is passed over without a word. */
inline find_next(g) {
	entry = feed_first;
	do
	:: IS_LATER(entry, g) -> break
	:: else -> entry++
	od
}

inline load(g) {
	printf("gateway %d loads snapshots: epoch %d, book %d, cover %d-%d\n", g, snapshot_epoch, snapshot_book, cover_term, cover_length);
	if
	:: held_epoch[g] == snapshot_epoch && LENGTH(snapshot_book) >= LENGTH(held_book[g]) ->
		held_seqs[g] = held_seqs[g] | (1 << LENGTH(snapshot_book))
	:: else ->
		held_seqs[g] = 1 << LENGTH(snapshot_book);
#ifndef NO_RESTART
		sent[g] = NOT_SENT
#endif
	fi;
	held_epoch[g] = snapshot_epoch; held_book[g] = snapshot_book;
	placed[g] = true; place_term[g] = cover_term; place_length[g] = cover_length;
	/* S5: whoever joins by what is stored misses nothing. */
	if
	:: HAS_NEWS(g) -> find_next(g); PROPERTY(5, feed_prev[entry] <= place_length[g]); entry = 0
	:: else
	fi;
	say_status(g, true)
}

#ifdef NO_EPOCH_CHECK
#define IS_SAME_EPOCH true
#else
#define IS_SAME_EPOCH (feed_epoch[entry] == held_epoch[g])
#endif

inline read(g) {
	find_next(g);
	if
#ifndef GATEWAY_IS_BLIND
	:: feed_prev[entry] > place_length[g] -> lose_place(g)
#endif
#ifndef NO_EPOCH_CHECK
	:: feed_prev[entry] <= place_length[g] && feed_epoch[entry] != held_epoch[g] -> lose_place(g)
#endif
#ifndef GATEWAY_IS_BLIND
	:: feed_prev[entry] <= place_length[g] && IS_SAME_EPOCH && LENGTH(feed_book[entry]) > LENGTH(held_book[g]) &&
		!COMES_FROM(feed_book[entry], held_book[g]) -> lose_place(g)	/* the digest says so */
#endif
	:: else ->
		if
		:: LENGTH(feed_book[entry]) > LENGTH(held_book[g]) ->
			if
			:: COMES_FROM(feed_book[entry], held_book[g]) && feed_prev[entry] <= LENGTH(held_book[g]) -> held_book[g] = feed_book[entry]
			:: else -> held_book[g] = WRONG(feed_book[entry])
			fi;
			held_seqs[g] = held_seqs[g] | (1 << LENGTH(held_book[g]))
		:: else
		fi;
		place_term[g] = feed_term[entry]; place_length[g] = LENGTH(feed_book[entry]);
		printf("gateway %d reads %d-%d: book %d\n", g, place_term[g], place_length[g], held_book[g])
	fi;
	entry = 0
}

proctype Reader(byte g) {
	byte entry;
	do
	:: d_step { !placed[g] && CAN_SAY(g) -> load(g) }
	:: d_step { placed[g] && HAS_NEWS(g) && CAN_SAY(g) -> read(g) }
#ifndef NO_BACKWARDS_CHECK
	:: d_step { placed[g] && WENT_BACK(g) && CAN_SAY(g) -> lose_place(g) }
#endif
	od
}

/* The gateways' senders. */

#define CLIENT_SEQ LENGTH(client_book)
#define HELD_SEQ(g) LENGTH(held_book[g])
#define IS_FLUSHED(g) (sent[g] == HELD_SEQ(g))

/* A heartbeat that would change nothing is not modelled. */
#define MATTERS(g) ((standing == UNCONFIRMED && sent[g] == CLIENT_SEQ) || \
	((standing == VERIFIED || standing == UNCONFIRMED) && sent[g] > CLIENT_SEQ))

proctype Sender(byte g) {
	do
	/* A flush: one merged delta for all members, or a snapshot if the history broke. */
	:: d_step { via == g && !IS_FLUSHED(g) && ROOM ->
		if
		:: sent[g] == NOT_SENT -> wire!SNAPSHOT(held_epoch[g], held_book[g])
		:: else -> wire!DELTA(sent[g], held_book[g])
		fi;
		sent[g] = HELD_SEQ(g) }
#ifndef NO_HEARTBEAT
#ifdef LIVENESS
	:: d_step { via == g && len(wire) == 0 && IS_FLUSHED(g) && MATTERS(g) -> wire!HEARTBEAT(sent[g], 0) }
#else
	:: d_step { via == g && len(wire) == 0 && sent[g] != NOT_SENT && MATTERS(g) -> wire!HEARTBEAT(sent[g], 0) }
#endif
#endif
	od
}

/* The client. */

inline verify() {
	standing = (is_fed -> VERIFIED : UNCONFIRMED);
}

inline lose_everything() {
	standing = ((standing == LOADING || standing == CORRUPT) -> standing : UNCONFIRMED)
}

#ifdef RESUME_WITHOUT_EPOCH
#define IS_EPOCH_HELD(g) true
#else
#define IS_EPOCH_HELD(g) (client_epoch == held_epoch[g])
#endif
#ifdef RESUME_WITHOUT_DIGEST
#define IS_DIGEST_HELD(g) (CLIENT_SEQ <= HELD_SEQ(g))
#else
#define IS_DIGEST_HELD(g) (CLIENT_SEQ <= HELD_SEQ(g) && (held_seqs[g] & (1 << CLIENT_SEQ)) && COMES_FROM(held_book[g], client_book))
#endif

/* Connect to a gateway and subscribe, naming (epoch, seq, digest) if there is a book. */
inline connect(g) {
	via = g; is_fed = is_open[g];
	printf("the client connects to gateway %d with epoch %d, book %d\n", g, client_epoch, client_book);
	if
	:: standing == UNCONFIRMED && IS_EPOCH_HELD(g) && IS_DIGEST_HELD(g) ->
		if
		:: CLIENT_SEQ < HELD_SEQ(g) -> wire!DELTA(CLIENT_SEQ, held_book[g])
		:: else
		fi
	:: else -> wire!SNAPSHOT(held_epoch[g], held_book[g])
	fi;
	/* The channel may have other members, to whom the newest change, or the new history, has still to be told. */
	if
	:: sent[g] = HELD_SEQ(g)
	:: sent[g] = (HELD_SEQ(g) > 1 -> HELD_SEQ(g) - 1 : 1)
	:: sent[g] = NOT_SENT
	fi
}

inline receive() {
	wire?kind, first, second;
	if
	:: kind == SNAPSHOT -> client_epoch = first; client_book = second; verify()
	:: kind == DELTA && standing != LOADING ->
		if
		:: LENGTH(second) <= CLIENT_SEQ ->
			if
			:: standing == UNCONFIRMED && second == client_book -> verify()
			:: else
			fi
#ifndef NO_PREV_CHECK
		:: LENGTH(second) > CLIENT_SEQ && first > CLIENT_SEQ ->
			standing = (standing == CORRUPT -> CORRUPT : BROKEN)
#endif
		:: else ->
			if
			:: COMES_FROM(second, client_book) && first <= CLIENT_SEQ -> client_book = second; verify()
			:: else ->
				client_book = WRONG(second);
#ifdef NO_DIGEST
				verify()
#else
				standing = CORRUPT
#endif
			fi
		fi
	:: kind == DELTA && standing == LOADING
	:: kind == HEARTBEAT && standing != LOADING ->
		if
		:: first > CLIENT_SEQ -> standing = (standing == CORRUPT -> CORRUPT : BROKEN)
		:: first == CLIENT_SEQ && standing == UNCONFIRMED -> verify()
		:: else
		fi
	:: kind == HEARTBEAT && standing == LOADING
	:: kind == STATUS ->
		is_fed = first;
		if
		:: !is_fed -> lose_everything()
		:: else
		fi
	fi;
	printf("the client hears %e(%d, %d): %e, epoch %d, book %d\n", kind, first, second, standing, client_epoch, client_book);
	/* S1: what is not stale is the engine's book at (epoch, seq). */
	PROPERTY(1, standing != VERIFIED || COMES_FROM(history[client_epoch], client_book));
	kind = 0; first = 0; second = 0
}

proctype Client() {
	mtype kind;
	byte first, second;
	do
	:: atomic { via == NOBODY && held_epoch[0] != 0 -> connect(0) }
	:: atomic { via == NOBODY && held_epoch[1] != 0 -> connect(1) }
	:: d_step { len(wire) > 0 -> receive() }
	/* Ask for a snapshot, again and again until one comes. */
	:: d_step { via != NOBODY && len(wire) == 0 && (standing == LOADING || standing == BROKEN || standing == CORRUPT) ->
		wire!SNAPSHOT(held_epoch[via], held_book[via]) }
	od
}

inline disconnect() {
	do
	:: len(wire) > 0 -> wire?kind, first, second
	:: else -> break
	od;
	kind = 0; first = 0; second = 0;
	sent[via] = NOT_SENT; via = NOBODY; is_fed = false;
	lose_everything()
}

proctype Faults() {
	mtype kind;
	byte first, second;
	do
	:: d_step { disconnects > 0 && via != NOBODY -> disconnects--; printf("the connection ends\n"); disconnect() }
	:: d_step { gateway_crashes > 0 && held_epoch[0] != 0 ->
		gateway_crashes--;
		printf("gateway 0 dies\n");
		if
		:: via == 0 -> disconnect()
		:: else
		fi;
		placed[0] = false; is_open[0] = false; place_term[0] = 0; place_length[0] = 0;
		held_epoch[0] = 0; held_book[0] = 0; held_seqs[0] = 0 }
#ifdef LOSE_SNAPSHOTS
	:: d_step { lost_frames > 0 && len(wire) > 0 && !wire?[STATUS] ->
#else
	:: d_step { lost_frames > 0 && len(wire) > 0 && (wire?[DELTA] || wire?[HEARTBEAT]) ->
#endif
		lost_frames--; wire?kind, first, second; printf("lost: %e(%d, %d)\n", kind, first, second); kind = 0; first = 0; second = 0 }
	:: d_step { repeated_frames > 0 && len(wire) > 0 && ROOM && (wire?[DELTA] || wire?[SNAPSHOT]) ->
		repeated_frames--; wire?<kind, first, second>; wire!kind, first, second; printf("repeated: %e(%d, %d)\n", kind, first, second); kind = 0; first = 0; second = 0 }
	/* What a client has kept is not what it was; it will find out when it returns. */
	:: d_step { wrong_books > 0 && via == NOBODY && standing == UNCONFIRMED -> wrong_books--; client_book = WRONG(client_book); printf("the client's book is wrong: %d\n", client_book) }
	od
}

#ifdef LIVENESS
/* Time passes, whatever happens: else a market in which nobody does anything would count as an end, not as waiting. */
proctype Time() {
	do
	:: epoch > 0	/* always */
	od
}
#endif

init {
	d_step {
		feed_term[0] = 1; feed_epoch[0] = 1; feed_book[0] = 1; feed_end = 1; kept_end = 1;
		snapshot_book = 1; snapshot_epoch = 1; cover_term = 1; cover_length = 1; history[1] = 1;
		placed[0] = true; is_open[0] = true; place_term[0] = 1; place_length[0] = 1;
		held_epoch[0] = 1; held_book[0] = 1; held_seqs[0] = 1 << 1; sent[0] = NOT_SENT;
		placed[1] = true; is_open[1] = true; place_term[1] = 1; place_length[1] = 1;
		held_epoch[1] = 1; held_book[1] = 1; held_seqs[1] = 1 << 1; sent[1] = NOT_SENT
	}
	atomic {
		run Exchange(); run StoreFaults(); run Reader(0); run Reader(1); run Sender(0); run Sender(1);
		run Client(); run Faults();
#ifdef LIVENESS
		run Time()
#endif
	}
}

/* L1: when faults end, the client has the engine's book for good, and knows it. */
#define CONVERGED (standing == VERIFIED && client_epoch == epoch && client_book == book && kept_end == feed_end)

#ifdef LIVENESS
/* Accepts what never settles: again and again it is not so. (In LTL: not eventually always CONVERGED.) */
never {
begin:
	do
	:: !CONVERGED -> goto accept_again
	:: true
	od;
accept_again:
	do
	:: true -> goto begin
	od
}
#endif
