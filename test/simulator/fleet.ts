import { hash } from './hash';

/**
 * What the simulated company has: cold rooms and freezers in the halls of seven sites, and trucks that drive between
 * them by day, on land. A function of seed, number and time, so that a million packets cost nothing.
 */
type Point = readonly [latitude: number, longitude: number];

const sites = {
	Rotterdam: [51.9244, 4.4777],
	Hamburg: [53.53, 10.08],
	Munich: [48.19, 11.65],
	Lyon: [45.7, 4.9],
	Milan: [45.49, 9.29],
	Warsaw: [52.17, 20.85],
	Zaragoza: [41.65, -0.95],
} as const satisfies Record<string, Point>;

type Site = keyof typeof sites;

/** Which device is where, in turn: large sites and small ones. */
const turns: readonly Site[] = [
	...(['Hamburg', 'Rotterdam', 'Munich', 'Lyon', 'Rotterdam', 'Hamburg', 'Milan', 'Warsaw', 'Rotterdam'] as const),
	...(['Zaragoza', 'Hamburg', 'Munich', 'Rotterdam', 'Lyon', 'Milan', 'Hamburg', 'Warsaw'] as const),
];

/** The trucks' roads, with the towns on their way. */
const roads: readonly [from: Site, to: Site, ...via: Point[]][] = [
	['Rotterdam', 'Hamburg', [52.09, 5.12], [52.27, 6.79], [52.28, 8.05], [53.08, 8.8]],
	['Rotterdam', 'Lyon', [51.15, 4.5], [50.85, 4.4], [49.61, 6.13], [48.69, 6.18], [47.32, 5.04]],
	['Hamburg', 'Munich', [52.37, 9.74], [51.31, 9.48], [49.79, 9.95], [49.45, 11.08]],
	['Hamburg', 'Warsaw', [52.52, 13.4], [52.41, 16.93], [51.76, 19.46]],
	['Munich', 'Milan', [47.27, 11.39], [46.5, 11.35], [45.44, 10.99], [45.54, 10.22]],
	['Lyon', 'Milan', [45.57, 5.92], [45.07, 7.69]],
	['Lyon', 'Zaragoza', [44.93, 4.89], [43.84, 4.36], [43.18, 3.0], [42.7, 2.85], [41.5, 2.0], [41.62, 0.62]],
];

/** Where one device is that nobody sent there: Ankara. */
const farOff: Point = [39.93, 32.85];
const farOffNumber = 40;

const hour = 3_600_000;
/** A truck drives out in so many hours, rests until the next morning, and drives back. */
const hoursOfDriving = 12;

export interface Member {
	kind: 'Cold room' | 'Freezer' | 'Truck';
	site: Site;
	/** Where it stands; no truck has one. */
	hall?: { lat: number; long: number; location_name: string };
	/** Its way, from its site on. */
	road?: readonly Point[];
	home: Point;
	/** Of its places, in m; vague ones are kilometres off. */
	accuracy: number;
	/** °C that it should have. */
	target: number;
	/** Whether its cooling fails for hours, every fourth day. */
	isFaulty: boolean;
	/** In hours: no two are alike. */
	phase: number;
}

/** The n-th device of the fleet. */
export function memberOf(seed: number, n: number): Member {
	const h = hash(seed, n, 20);
	const kind = n % 12 === 5 ? 'Truck' : n % 6 === 1 ? 'Freezer' : 'Cold room';
	const [from, to, ...via] = roads[(n >>> 2) % roads.length] ?? ['Lyon', 'Milan'];
	const site = kind === 'Truck' ? from : (turns[n % turns.length] ?? 'Lyon');
	const [latitude, longitude] = n === farOffNumber ? farOff : sites[site];
	const number = 1 + (h % 6);
	// Halls stand in rows of three, some 150 m apart, and devices some 40 m.
	const lat = round(latitude + (Math.floor((number - 1) / 3) - 0.5) / 700 + ((h >>> 8) % 100) / 250_000);
	const long = round(longitude + (((number - 1) % 3) - 1) / 450 + ((h >>> 16) % 100) / 200_000);
	return {
		kind,
		site,
		...(kind === 'Truck'
			? { road: [sites[from], ...via, sites[to]] }
			: { hall: { lat, long, location_name: `${site}, hall ${number}` } }),
		home: [lat, long],
		accuracy: n % 23 === 7 ? 4000 + (h % 13_000) : 5 + (h % 20),
		target: (kind === 'Freezer' ? -20 : 4) + ((h >>> 4) % 200) / 100,
		isFaulty: kind !== 'Truck' && n % 41 === 8,
		phase: (h >>> 12) % 96,
	};
}

const round = (degrees: number) => Math.round(degrees * 1e5) / 1e5;

/** Which part of the truck's way lies behind it, 0–1; between the two while it drives. */
function progress({ phase }: Member, time: number): number {
	const hours = time / hour - 5 - (phase % 3) - 24 * (phase % 2);
	const sinceStart = ((hours % 48) + 48) % 48;
	const driven = Math.min(1, (sinceStart % 24) / hoursOfDriving);
	return sinceStart < 24 ? driven : 1 - driven;
}

/** Whether it is on the road then. */
export const isDriving = (member: Member, time: number): boolean =>
	member.road !== undefined && progress(member, time) % 1 !== 0;

/** Where it is then. */
export function placeOf(member: Member, time: number): Point {
	const { road, home } = member;
	if (!road) return home;
	const way = progress(member, time) * (road.length - 1);
	const leg = Math.min(road.length - 2, Math.floor(way));
	const [a = home, b = home] = [road[leg], road[leg + 1]];
	return [round(a[0] + (way - leg) * (b[0] - a[0])), round(a[1] + (way - leg) * (b[1] - a[1]))];
}

/** Its temperature then, in 0.01 °C: warmer in the afternoon, and for hours where the cooling fails. */
export function temperatureOf({ target, isFaulty, phase }: Member, time: number): number {
	const hours = time / hour;
	const afternoon = 0.4 * Math.cos(((hours - 15) * Math.PI) / 12);
	const sinceFault = (hours + phase) % 96;
	const fault = isFaulty && sinceFault < 8 ? 9 * Math.sin((sinceFault * Math.PI) / 8) : 0;
	return Math.round(100 * (target + afternoon + fault));
}

/**
 * Which share of a period has passed when a share of its packets has arrived (both 0–1), by what devices do in a week:
 * little at night, less on Saturday and Sunday. Looked up in a table, as it is asked for each packet.
 */
export function weekShares(from: number, to: number): (share: number) => number {
	const hours = Math.max(1, Math.ceil((to - from) / hour));
	const sums = [0];
	for (let n = 0; n < hours; n++) {
		const date = new Date(from + n * hour);
		const byHour = 1 - 0.55 * Math.cos(((date.getUTCHours() - 2) * Math.PI) / 12);
		sums.push((sums[n] ?? 0) + byHour * (date.getUTCDay() % 6 === 0 ? 0.65 : 1));
	}
	const all = sums.at(-1) ?? 1;
	const steps = 16 * hours;
	const table: number[] = [];
	for (let step = 0, n = 0; step <= steps; step++) {
		const wanted = (step / steps) * all;
		while (n < hours - 1 && (sums[n + 1] ?? all) < wanted) n++;
		const [low = 0, high = all] = [sums[n], sums[n + 1]];
		table.push(Math.min(1, (n + (wanted - low) / (high - low)) / hours));
	}
	return (share) => {
		const at = share * steps;
		const step = Math.min(steps - 1, Math.floor(at));
		const [low = 0, high = 1] = [table[step], table[step + 1]];
		return low + (at - step) * (high - low);
	};
}
