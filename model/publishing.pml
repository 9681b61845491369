/* Publishing: engines, the store, and everything that can go wrong between them.
 *
 * Owns the upper half of the protocol: commands into the log at least once, one leader at a time, takeover, compare
 * and append, healing of a store that lost its tail, checkpoint, epoch. Leaves readers of the feed to resuming.pml,
 * which assumes what is proven here. model/README.md says what is abstracted and why that is sound.
 *
 * A book is the list of commands that made it, two bits each, the first one highest: books are equal exactly if the
 * numbers are, "comes from" is "is a prefix of", and a book's position is its length.
 *
 * Each rule of the protocol can be left out with a flag (-DNO_COMPARE and so on, all listed in run.py); then some
 * assertion below must fail.
 */

#ifndef COMMANDS
#define COMMANDS 3	/* 1 and 2 are numbers 1 and 2 of one writer, 3 is number 1 of another; at least 2 */
#endif
#ifndef ROLLBACKS
#define ROLLBACKS 1	/* times that the store comes back as an earlier state of itself */
#endif
#ifndef CRASHES
#define CRASHES 1	/* engines killed, or stopped in good order */
#endif
#ifndef FREEZES
#define FREEZES 1	/* leases that run out although their holder lives: it was frozen, and will thaw */
#endif
#ifndef LOST_ANSWERS
#define LOST_ANSWERS 1	/* calls of the script that are done, and the answer does not arrive */
#endif
#ifndef REPEATS
#define REPEATS 1	/* commands that a writer appends again, being unsure, however late they land */
#endif

#define LOG_MAX (COMMANDS + REPEATS)
#define LOG_SIZE 6
#define FEED_MAX 9
#define EPOCHS 6

/* The properties. -DCHECK=n looks at one alone: a rule left out may break several, some sooner than others. */

#ifndef CHECK
#define CHECK 0
#endif
#define PROPERTY(number, condition) assert((CHECK != 0 && CHECK != number) || (condition))

/* Books. */

#define LENGTH(book) ((book) == 0 -> 0 : ((book) < 4 -> 1 : ((book) < 16 -> 2 : ((book) < 64 -> 3 : 4))))
#define PREFIX(book, length) ((book) >> (2 * (LENGTH(book) - (length))))
#define COMES_FROM(book, earlier) (LENGTH(earlier) <= LENGTH(book) && PREFIX(book, LENGTH(earlier)) == (earlier))
#define HOLDS(book, c) (((book) & 3) == (c) || (((book) >> 2) & 3) == (c) || \
	(((book) >> 4) & 3) == (c) || (((book) >> 6) & 3) == (c))
#ifdef NO_IDEMPOTENCE
#define IS_NEW(book, c) true
#else
/* Not above the highest number applied of its writer: known. */
#define IS_NEW(book, c) (!HOLDS(book, c) && !((c) == 1 && HOLDS(book, 2)))
#endif

/* The store. What rolls back together is the first block. */

byte log[LOG_SIZE];		/* commands, from index 1 */
byte log_end;
byte log_trimmed;		/* entries up to this one are gone */
byte feed_term[FEED_MAX];
byte feed_epoch[FEED_MAX];
byte feed_book[FEED_MAX];	/* the book after the packet; its length is the packet's position */
byte feed_end;			/* number of entries */
byte checkpoint_book, checkpoint_log, checkpoint_epoch, checkpoint_store;
byte snapshot_book;		/* the stored snapshot */
byte cover;			/* position up to which every packet is said to be in the snapshot */
byte counter;			/* of terms */
byte lease;			/* 1 + the engine that leads, 0: nobody */
bool lease_is_old;		/* its holder believes that it was renewed later than it was */

byte store = 1;			/* the replication id: another one after every restart and failover */

/* An earlier state, to which it may return. The logs only grow between, so their lengths suffice. */

bool replica;
byte replica_log_end, replica_log_trimmed, replica_feed_end;
byte replica_checkpoint_book, replica_checkpoint_log, replica_checkpoint_epoch, replica_checkpoint_store;
byte replica_snapshot_book, replica_cover, replica_counter, replica_lease;

/* The engines. */

mtype = { IDLE, CANDIDATE, LEADING, PUBLISHING };

mtype state[2] = IDLE;
byte known_store[2], term[2], epoch[2];
byte book[2];			/* the engine's state, unpublished commands included */
byte log_read[2];		/* the log is read up to this entry */
byte base_term[2], base_length[2];	/* what stands before this term's marker */
byte cuts[2];			/* bit n: a packet of this term ends at position n and is kept, the marker included */
byte last_term[2], last_length[2];	/* the predecessor that the next call names */
bool storing[2];		/* the publication under way carries snapshot and checkpoint */
byte storing_store[2];		/* the store id in that checkpoint */
byte unstored[2];		/* 1 + the position before the first change that no snapshot holds, 0: all are in */
byte storing_cover[2];
bool overdue[2];		/* its last renewal is older than the lease */

/* What no rollback changes. */

byte rollbacks = ROLLBACKS, crashes = CRASHES, freezes = FREEZES, lost_answers = LOST_ANSWERS, repeats = REPEATS;
byte epochs = 1;		/* epochs drawn so far: random numbers do not repeat */
byte terms = 1;			/* the highest term ever taken: clocks do not go back */
bool appended_1, appended_2, appended_3 = (COMMANDS < 3);	/* by their writers */
byte seen[EPOCHS];		/* the longest book that was ever in the feed, for each epoch: assume that somebody read it */
byte settled = 1;		/* the store in which something was appended last */

#define FEED_LAST (feed_end - 1)
#define FEED_LAST_TERM feed_term[FEED_LAST]
#define FEED_LAST_LENGTH LENGTH(feed_book[FEED_LAST])
#define UNPUBLISHED(me) (LENGTH(book[me]) > last_length[me] && !(cuts[me] & (1 << LENGTH(book[me]))))

inline leave(me) {
	state[me] = IDLE;
	known_store[me] = 0; term[me] = 0; epoch[me] = 0; book[me] = 0; log_read[me] = 0;
	base_term[me] = 0; base_length[me] = 0; cuts[me] = 0; last_term[me] = 0; last_length[me] = 0;
	storing[me] = false; storing_store[me] = 0; unstored[me] = 0; storing_cover[me] = 0; overdue[me] = false
}

/* One XADD of the script: the packet of engine `me` that ends at `position`. */
inline append(me, position) {
	appending = PREFIX(book[me], position);
	/* S3: no packet of a lower term after a higher one, and each continues the one before it, to the bit. */
	PROPERTY(3, term[me] >= FEED_LAST_TERM);
	PROPERTY(3, feed_book[FEED_LAST] == PREFIX(appending, packet_prev));
	/* S2: nothing that was in the feed of this epoch is missing in the history that goes on. */
	PROPERTY(2, COMES_FROM(book[me], seen[epoch[me]]));
	feed_term[feed_end] = term[me];
	feed_epoch[feed_end] = epoch[me];
	feed_book[feed_end] = appending;
	feed_end++;
	printf("engine %d appends %d-%d, epoch %d, book %d, to store %d\n", me, term[me], LENGTH(appending), epoch[me], appending, store);
	settled = store;
	packet_prev = position;
	if
	:: LENGTH(appending) > LENGTH(seen[epoch[me]]) -> seen[epoch[me]] = appending
	:: else
	fi;
	appending = 0
}

inline append_all(me) {
	packet_prev = last_length[me];
	if
	:: last_term[me] != term[me] -> append(me, base_length[me])	/* the marker */
	:: else
	fi;
	position = last_length[me] + 1;
	do
	:: position > LENGTH(book[me]) -> break
	:: else ->
		if
		:: (cuts[me] & (1 << position)) || position == LENGTH(book[me]) -> append(me, position)
		:: else
		fi;
		position++
	od;
	position = 0; packet_prev = 0
}

inline store_values(me) {
	if
	:: storing[me] ->
		printf("engine %d stores snapshot and checkpoint: book %d, store id %d\n", me, book[me], storing_store[me]);
		checkpoint_book = book[me]; checkpoint_log = log_read[me]; checkpoint_epoch = epoch[me];
		checkpoint_store = storing_store[me];
		snapshot_book = book[me];
		log_trimmed = checkpoint_log
	:: else
	fi;
#ifdef TRIM_WHAT_IS_READ
	log_trimmed = (log_read[me] > log_trimmed -> log_read[me] : log_trimmed);
#endif
	cover = storing_cover[me];
	/* S5: whoever joins by the snapshot and reads on after the cover misses nothing. */
	PROPERTY(5, cover <= LENGTH(snapshot_book))
}

/* Decide what is stored beside the packet: everything, as after a rewind, or nothing but the cover. */
inline fill_in(me, everything) {
	storing[me] = (storing[me] || everything);
	storing_store[me] = (everything -> known_store[me] : storing_store[me]);
	unstored[me] = (everything -> 0 : unstored[me]);
	storing_cover[me] = (unstored[me] == 0 -> LENGTH(book[me]) : unstored[me] - 1)
}

inline rewind(me) {
#ifndef NO_REWIND
	log_read[me] = checkpoint_log;
#endif
#ifndef NO_HEAL_CHECKPOINT
	fill_in(me, true);
#endif
	skip
}

inline published(me) {
	cuts[me] = cuts[me] | (1 << LENGTH(book[me]));
	last_term[me] = term[me]; last_length[me] = LENGTH(book[me]);
	storing[me] = false; storing_store[me] = 0; storing_cover[me] = 0;
	overdue[me] = false;
	state[me] = LEADING
}

#define IS_BEHIND (FEED_LAST_TERM < last_term[me] || \
	(FEED_LAST_TERM == last_term[me] && FEED_LAST_LENGTH < last_length[me]))
#define IS_AHEAD (FEED_LAST_TERM > last_term[me] || \
	(FEED_LAST_TERM == last_term[me] && FEED_LAST_LENGTH > last_length[me]))
#define IS_KEPT ((FEED_LAST_TERM == base_term[me] && FEED_LAST_LENGTH == base_length[me]) || \
	(FEED_LAST_TERM == term[me] && (cuts[me] & (1 << FEED_LAST_LENGTH))))
#define IS_MINE (FEED_LAST_TERM == term[me] && feed_book[FEED_LAST] == book[me])
#ifdef NO_LEASE_CHECK
#define IS_FENCED_BY_LEASE false
#else
#define IS_FENCED_BY_LEASE (lease != 0 && lease != me + 1)
#endif
#ifdef NO_COMPARE
/* The ids alone: Redis refuses one that is not above the last. */
#ifdef NO_ORDERED_IDS
#define IS_REFUSED false
#else
#define IS_REFUSED (FEED_LAST_TERM > term[me] || \
	(FEED_LAST_TERM == term[me] && FEED_LAST_LENGTH >= LENGTH(book[me])))
#endif
#endif

/* publish.lua, and what a leader makes of its answer. */
inline send(me) {
	if
	:: IS_FENCED_BY_LEASE -> printf("engine %d leaves: not the leader\n", me);
#ifdef STORE_ALWAYS
		store_values(me);
#endif
		leave(me)
	:: !IS_FENCED_BY_LEASE && store != known_store[me] ->
		if
#ifndef NO_RENEWAL_CHECK
		:: overdue[me] -> printf("engine %d leaves: another store, and its lease may have run out\n", me);
			leave(me)	/* another may have led in what the store lost */
#else
		:: false
#endif
		:: else -> printf("engine %d meets store %d and reads the log again\n", me, store);
#ifdef CHECKPOINT_NAMES_OLD_STORE
			rewind(me); known_store[me] = store
#else
			known_store[me] = store; rewind(me)
#endif
		fi
#ifdef NO_COMPARE
	:: !IS_FENCED_BY_LEASE && store == known_store[me] && IS_REFUSED ->
		if
		:: IS_MINE -> published(me)
		:: else -> leave(me)
		fi
	:: !IS_FENCED_BY_LEASE && store == known_store[me] && !IS_REFUSED ->
#else
	:: !IS_FENCED_BY_LEASE && store == known_store[me] && IS_BEHIND ->
		if
		:: IS_KEPT -> printf("engine %d heals the feed after %d-%d\n", me, FEED_LAST_TERM, FEED_LAST_LENGTH);
			last_term[me] = FEED_LAST_TERM; last_length[me] = FEED_LAST_LENGTH; rewind(me)
		:: else -> printf("engine %d leaves: it cannot heal\n", me); leave(me)
		fi
	:: !IS_FENCED_BY_LEASE && store == known_store[me] && IS_AHEAD ->
		if
		:: IS_MINE -> printf("engine %d finds that its packet had landed\n", me);
#ifdef RECOGNISED_IS_DONE
			/* Counts as a renewal, and nothing was renewed; counts as stored, and nothing was. */
			lease_is_old = lease_is_old || lease == me + 1;
			published(me)
#else
			last_term[me] = FEED_LAST_TERM; last_length[me] = FEED_LAST_LENGTH
#endif
		:: else -> printf("engine %d leaves: the feed goes on without it\n", me);
#ifdef STORE_ALWAYS
			store_values(me);
#endif
			leave(me)
		fi
	:: !IS_FENCED_BY_LEASE && store == known_store[me] && !IS_BEHIND && !IS_AHEAD ->
#endif
		append_all(me);
		lease = me + 1; lease_is_old = false;
		store_values(me);
		if
		:: published(me)
		:: lost_answers > 0 -> printf("the answer to engine %d is lost\n", me); lost_answers--
		fi
	fi
}

inline read(me) {
	log_read[me]++;
	if
	:: IS_NEW(book[me], log[log_read[me]]) ->
		/* S4: no command is applied twice. */
		PROPERTY(4, !HOLDS(book[me], log[log_read[me]]));
		book[me] = (book[me] << 2) | log[log_read[me]];
		printf("engine %d applies command %d: book %d\n", me, log[log_read[me]], book[me])
	:: else
	fi
}

inline recover(me) {
	known_store[me] = store;
	book[me] = checkpoint_book; log_read[me] = checkpoint_log; epoch[me] = checkpoint_epoch;
	if
	:: log_read[me] < log_trimmed -> log_read[me] = log_trimmed
	:: else
	fi;
	do
	:: LENGTH(book[me]) >= FEED_LAST_LENGTH || log_read[me] >= log_end -> break
	:: else -> read(me)
	od;
	/* S6: what is stored leads to where the feed ends. */
	PROPERTY(6, book[me] == feed_book[FEED_LAST]);
	if
	:: checkpoint_store != known_store[me] ->
#ifndef NO_EPOCH
		epoch[me] = 0		/* another history: named at the announcement */
#endif
	:: else
	fi;
	printf("engine %d recovers from store %d: book %d, epoch %d (0: a new one)\n", me, store, book[me], epoch[me]);
	base_term[me] = FEED_LAST_TERM; base_length[me] = FEED_LAST_LENGTH;
	last_term[me] = base_term[me]; last_length[me] = base_length[me];
	state[me] = CANDIDATE
}

/* The marker: the same script, and any answer but "appended" means to recover again. */
inline announce(me) {
	if
	:: IS_FENCED_BY_LEASE -> leave(me)
	:: !IS_FENCED_BY_LEASE && (store != known_store[me]
#ifndef NO_COMPARE
		|| FEED_LAST_TERM != last_term[me] || FEED_LAST_LENGTH != last_length[me]
#elif !defined(NO_ORDERED_IDS)
		|| FEED_LAST_TERM > counter
#endif
		) -> leave(me); recover(me)
	:: else ->
		/* S7: a new epoch only if something may have been lost. */
		PROPERTY(7, epoch[me] != 0 || settled != store);
		if
		:: epoch[me] == 0 -> epochs++; epoch[me] = epochs
		:: else
		fi;
		/* Taken before, really; who announces after another has, or after the store changed, does so in vain. */
#ifdef TERM_FROM_COUNTER
		term[me] = counter + 1;
#else
#ifdef TERM_WITHOUT_CLOCK
		term[me] = (counter > FEED_LAST_TERM -> counter : FEED_LAST_TERM) + 1;
#else
		term[me] = terms + 1;	/* the clock is above whatever was taken before */
#endif
#endif
		/* S3, also: a term names one leader, or two histories would share ids. */
		PROPERTY(3, term[me] > terms);
		terms++; counter = term[me];
		packet_prev = last_length[me];
		append(me, base_length[me]);
		packet_prev = 0;
		lease = me + 1; lease_is_old = false;
		fill_in(me, true);
		store_values(me);
		if
		:: published(me)
		:: lost_answers > 0 -> printf("the answer to engine %d is lost\n", me); lost_answers--; leave(me); recover(me)
		fi
	fi
}

#define NEXT_UNREAD(me) (log_read[me] < log_end)

proctype Engine(byte me) {
	byte appending, position, packet_prev;

	do
	:: d_step { state[me] == IDLE && lease == 0 -> lease = me + 1; lease_is_old = false; recover(me) }
	:: atomic { state[me] == CANDIDATE -> announce(me) }
	:: d_step { state[me] == LEADING && NEXT_UNREAD(me) ->
		if
		:: log_read[me] < log_trimmed -> log_read[me] = log_trimmed
		:: else -> read(me)
		fi }
	/* A packet of all that has been applied; snapshot and checkpoint go with it if they are due. */
	:: atomic { state[me] == LEADING && UNPUBLISHED(me) ->
		if
		:: unstored[me] == 0 -> unstored[me] = 1 + last_length[me]
		:: else
		fi;
		if
		:: fill_in(me, true)
		:: fill_in(me, false)
		fi;
		state[me] = PUBLISHING; goto sending }
	/* Nothing to say: the tick that renews the lease. */
	:: atomic { state[me] == LEADING && !NEXT_UNREAD(me) && !UNPUBLISHED(me) ->
		fill_in(me, false); state[me] = PUBLISHING; goto sending }
	:: atomic { state[me] == PUBLISHING ->
sending:	send(me) }
	od
}

/* Writers: each command once at least, the numbers of a writer ascending when they come for the first time. */
proctype Writers() {
	byte again;
	do
	:: d_step { !appended_1 -> appended_1 = true; log_end++; log[log_end] = 1 }
	:: d_step { appended_1 && !appended_2 -> appended_2 = true; log_end++; log[log_end] = 2 }
	:: d_step { !appended_3 -> appended_3 = true; log_end++; log[log_end] = 3 }
	:: atomic { repeats > 0 && (appended_1 || (COMMANDS > 2 && appended_3)) ->
		if
		:: appended_1 -> again = 1
		:: appended_2 -> again = 2
		:: COMMANDS > 2 && appended_3 -> again = 3
		fi;
		repeats--; log_end++; log[log_end] = again; again = 0 }
	od
}

inline lease_runs_out() {
	printf("the lease of engine %d runs out\n", lease - 1);
	lease = 0;
	if
	:: lease_is_old -> lease_is_old = false
	:: else -> overdue[0] = (state[0] != IDLE); overdue[1] = (state[1] != IDLE)
	fi
}

proctype Faults() {
	byte entry;
	do
	/* The replica gets its last update. */
	:: d_step { rollbacks > 0 && !replica ->
		replica = true;
		printf("the replica has its last update\n");
		replica_log_end = log_end; replica_log_trimmed = log_trimmed; replica_feed_end = feed_end;
		replica_checkpoint_book = checkpoint_book; replica_checkpoint_log = checkpoint_log;
		replica_checkpoint_epoch = checkpoint_epoch; replica_checkpoint_store = checkpoint_store;
		replica_snapshot_book = snapshot_book; replica_cover = cover;
		replica_counter = counter; replica_lease = lease }
	/* The replica becomes the store. */
	:: d_step { rollbacks > 0 && replica ->
		rollbacks--; replica = false; store++;
		printf("the replica becomes store %d\n", store);
		do
		:: log_end == replica_log_end -> break
		:: else -> log[log_end] = 0; log_end--
		od;
		do
		:: feed_end == replica_feed_end -> break
		:: else -> feed_end--; feed_term[feed_end] = 0; feed_epoch[feed_end] = 0; feed_book[feed_end] = 0
		od;
		log_trimmed = replica_log_trimmed;
		checkpoint_book = replica_checkpoint_book; checkpoint_log = replica_checkpoint_log;
		checkpoint_epoch = replica_checkpoint_epoch; checkpoint_store = replica_checkpoint_store;
		snapshot_book = replica_snapshot_book; cover = replica_cover;
		counter = replica_counter; lease = replica_lease; lease_is_old = (lease != 0);
		replica_log_end = 0; replica_log_trimmed = 0; replica_feed_end = 0; replica_checkpoint_book = 0;
		replica_checkpoint_log = 0; replica_checkpoint_epoch = 0; replica_checkpoint_store = 0;
		replica_snapshot_book = 0; replica_cover = 0; replica_counter = 0; replica_lease = 0 }
	/* A lease runs out: its holder is dead, or frozen. */
	:: d_step { lease != 0 && state[lease - 1] == IDLE -> lease_runs_out() }
	:: d_step { lease != 0 && state[lease - 1] != IDLE && freezes > 0 -> freezes--; lease_runs_out() }
	:: d_step { crashes > 0 && state[0] != IDLE -> crashes--; printf("engine 0 dies\n"); leave(0) }
	:: d_step { crashes > 0 && state[1] != IDLE -> crashes--; printf("engine 1 dies\n"); leave(1) }
	:: d_step { crashes > 0 && state[0] == LEADING && lease == 1 -> crashes--; printf("engine %d stops and gives the lease back\n", lease - 1); lease = 0; lease_is_old = false; leave(0) }
	:: d_step { crashes > 0 && state[1] == LEADING && lease == 2 -> crashes--; printf("engine %d stops and gives the lease back\n", lease - 1); lease = 0; lease_is_old = false; leave(1) }
	od
}

/* The first engine leads an empty market. */
init {
	d_step {
		state[0] = LEADING; known_store[0] = 1; term[0] = 1; epoch[0] = 1; cuts[0] = 1; last_term[0] = 1;
		feed_term[0] = 1; feed_epoch[0] = 1; feed_end = 1;
		checkpoint_epoch = 1; checkpoint_store = 1; counter = 1; lease = 1
	}
	atomic { run Engine(0); run Engine(1); run Writers(); run Faults() }
}

/* L1, this half: when faults end, one engine leads, has applied all that is in the log, and the feed ends with its book. */
#define IS_DONE(me, entry) (entry > log_end || !IS_NEW(book[me], log[entry]))
#define ALL_DONE(me) (IS_DONE(me, 1) && IS_DONE(me, 2) && IS_DONE(me, 3) && IS_DONE(me, LOG_MAX))
#define LEADS(me, other) ((state[me] == LEADING || state[me] == PUBLISHING) && known_store[me] == store && \
	feed_term[FEED_LAST] == term[me] && feed_book[FEED_LAST] == book[me] && ALL_DONE(me) && \
	state[other] != LEADING && state[other] != PUBLISHING)
#define ALL_WRITTEN (appended_1 && appended_2 && appended_3)
#define CONVERGED (ALL_WRITTEN && (LEADS(0, 1) || LEADS(1, 0)))

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
