/** What this process knows of a node's polls; another process knows nothing. */
import { randomBytes } from 'node:crypto';
import type { IPollFunctions } from 'n8n-workflow';
import type { Poller } from '../client/client';
import type { Stored } from './position';

export interface Memory extends Poller {
	/** This process, as the maker of states. */
	by: string;
	isRunning: boolean;
	/** When it polled last, on the clock of `performance.now()`. */
	polledAt: number;
	/**
	 * The last revision this process produced or confirmed, and when; until n8n has saved it, n8n may still return the
	 * previous one.
	 */
	made?: { revision: number; at: number };
	/** Polls in a row that got no slot in the rate limit. */
	withoutPlace: number;
	/**
	 * When a node begins that has no position, on the clock of `performance.now()`: its first poll since the last one that
	 * could ask for Hubble's time.
	 */
	begun?: number;
	/** Until when Hubble asked for no requests, on the clock of `performance.now()`. */
	notBefore: number;
	/** Whether n8n stores positions together with their executions; once seen, it holds while the process lives. */
	isAtomic?: boolean;
	/** The hand-over that was made last, and the one before it that n8n has stored. */
	handOvers: string[];
	/**
	 * The newest state without a hand-over, or with a certain one: n8n does not store all of them. That of another process
	 * takes its place.
	 */
	kept?: Stored<unknown>;
	/** The revision of the last state of another process on which this one built. */
	basis: number;
}

/**
 * Nodes kept in memory; beyond that, those are dropped that have not polled for longer than a month. They would repeat
 * their last items.
 */
const MOST_NODES = 1000;
const IDLE_MS = 32 * 86_400_000;

const memories = new Map<string, Memory>();

/**
 * Static data belong to the name of a node, and two nodes of a workflow that was put together by hand may have
 * one id: only both together are one node.
 */
function memoryKey(context: IPollFunctions): string {
	const { id, name } = context.getNode();
	return JSON.stringify([context.getWorkflow().id, id, name]);
}

/** Runs one poll of a node at a time, with the node's memory; `null` while one runs, or when Hubble asked to wait. */
export async function oneAtATime<T>(context: IPollFunctions, poll: (memory: Memory) => Promise<T>): Promise<T | null> {
	const key = memoryKey(context);
	const memory = memories.get(key) ?? {
		by: randomBytes(4).toString('hex'),
		basis: 0,
		isRunning: false,
		polledAt: 0,
		withoutPlace: 0,
		turnAt: 0,
		notBefore: 0,
		handOvers: [],
	};
	memories.delete(key);
	memories.set(key, memory);
	memory.polledAt = performance.now();
	if (memory.isRunning || performance.now() < memory.notBefore) return null;
	for (const [oldest, { isRunning, polledAt }] of memories) {
		if (memories.size <= MOST_NODES || memory.polledAt - polledAt < IDLE_MS) break;
		if (!isRunning) memories.delete(oldest);
	}
	memory.isRunning = true;
	try {
		return await poll(memory);
	} finally {
		memory.isRunning = false;
	}
}
