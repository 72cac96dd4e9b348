/** Places on a map, as SVG. Pure. */
import { distanceBetween, type Place } from '../operation/place';
import { counted, wholeNumber } from '../operation/values';
import type { PlaceMap, Section } from './blocks';
import { gridLine, niceStep, textAt, toTenth } from './charts';
import { COASTLINE } from './coastline';
import { markup, type Markup } from './markup';
import { merge, type PlaceBin } from './places';

const WIDTH = 960;
const HEIGHTS = [300, 500] as const;
/** Degrees that a map shows at least: about a kilometre. */
const LEAST_SPAN = 0.01;
/** The coast is known to about a quarter of a degree: on a map of a region it would be in the wrong place. */
const LEAST_SPAN_WITH_COAST = 12;

/** The least window around all longitudes: also across ±180°. */
function longitudeRange(longitudes: number[]): [from: number, span: number] {
	const sorted = longitudes.sort((a, b) => a - b);
	const [first = 0] = sorted;
	let [from, gap] = [first, first + 360 - (sorted.at(-1) ?? first)];
	sorted.forEach((longitude, index) => {
		const next = sorted[index + 1];
		if (next !== undefined && next - longitude > gap) [from, gap] = [next, next - longitude];
	});
	return [from, 360 - gap];
}

/** What a map shows: degrees of its left and upper edge, and pixels per degree in both directions. */
function viewOf(places: readonly Place[]) {
	const [from, span] = longitudeRange(places.map(({ longitude }) => longitude));
	let [south, north] = [90, -90];
	for (const { latitude } of places) [south, north] = [Math.min(south, latitude), Math.max(north, latitude)];
	const middle = (north + south) / 2;
	// Degrees of longitude are as wide as they are there; near the poles, and for the whole world, a compromise.
	const shrink = Math.cos((Math.min(55, Math.abs(middle)) * Math.PI) / 180);
	const wide = Math.min(360, Math.max(span * 1.14, LEAST_SPAN));
	const high = Math.max((north - south) * 1.2, LEAST_SPAN / 2);
	const perLongitude = Math.min(WIDTH / wide, (HEIGHTS[1] / high) * shrink);
	const perLatitude = perLongitude / shrink;
	const height = Math.round(Math.min(HEIGHTS[1], Math.max(HEIGHTS[0], high * perLatitude)));
	return {
		west: from + span / 2 - WIDTH / perLongitude / 2,
		north: middle + height / perLatitude / 2,
		perLongitude,
		perLatitude,
		height,
	};
}

type View = ReturnType<typeof viewOf>;

const DEGREE_STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 45, 60];

/** '52.5° N' */
function degrees(value: number, step: number, signs: string): string {
	const decimals = Math.max(0, Math.ceil(-Math.log10(step)));
	const text = Math.abs(value).toFixed(decimals);
	const sign = Number(text) === 0 ? '' : ` ${signs[value < 0 ? 1 : 0] ?? ''}`;
	return `${text}°${sign}`;
}

function* multiples(from: number, to: number, step: number): Generator<number> {
	for (let index = Math.ceil(from / step); index * step <= to; index++) yield index * step;
}

function grid({ west, north, perLongitude, perLatitude, height }: View): Markup {
	const step = DEGREE_STEPS.find((degree) => degree * perLongitude >= 110) ?? 60;
	const parallels = [...multiples(north - height / perLatitude, north, step)].filter(
		(degree) => Math.abs(degree) <= 90,
	);
	const wrap = (degree: number) => ((((degree + 180) % 360) + 360) % 360) - 180;
	const columns = [...multiples(west, west + WIDTH / perLongitude, step)].map((degree) => {
		const x = toTenth((degree - west) * perLongitude);
		const isRoom = x > 60 && x < WIDTH - 30;
		return gridLine(`M${x} 0V${height}`, isRoom && textAt(x, 15, degrees(wrap(degree), step, 'EW'), 'middle'));
	});
	const rows = parallels.map((degree) => {
		const y = toTenth((north - degree) * perLatitude);
		const isRoom = y > 30 && y < height - 40;
		return gridLine(`M0 ${y}H${WIDTH}`, isRoom && textAt(8, y + 4, degrees(degree, step, 'NS'), 'start'));
	});
	return markup`${columns}${rows}`;
}

/** The land as a path; a copy on either side for maps across ±180°. */
function land({ west, north, perLongitude, perLatitude }: View): Markup {
	const path = COASTLINE.map((ring) => {
		const points = ring.map(
			([longitude, latitude]) =>
				`${toTenth((longitude - west) * perLongitude)} ${toTenth((north - latitude) * perLatitude)}`,
		);
		return `M${points.join('L')}Z`;
	}).join('');
	const world = toTenth(360 * perLongitude);
	const [left, right] = [west < -180, west + WIDTH / perLongitude > 180];
	const copy = (x: number) => markup`<use href="#land" x="${x}" />`;
	return markup`<path id="land" class="land" d="${path}" />${left && copy(-world)}${right && copy(world)}`;
}

/** A bar of a round length, right for the middle of the map. */
function scaleBar({ north, perLongitude, perLatitude, height }: View): Markup {
	const latitude = Math.max(-85, Math.min(85, north - height / perLatitude / 2));
	const metresPerPixel = distanceBetween({ latitude, longitude: 0 }, { latitude, longitude: 1 }) / perLongitude;
	const metres = niceStep(80 * metresPerPixel);
	const length = toTenth(metres / metresPerPixel);
	const text = metres >= 1000 ? `${wholeNumber(metres / 1000)} km` : `${wholeNumber(metres)} m`;
	const y = height - 16;
	return markup`<path class="bar" d="M16 ${y - 6}v6h${length}v-6" />${textAt(22, y - 6, text, 'start')}`;
}

/** Circles that would lie on each other become one: bins of so many pixels. */
const BIN_PIXELS = 9;
const RADII = [3.2, 22] as const;
/** Which part of the map the circles cover at most, so that many places do not hide it. */
const MOST_COVERED = 0.3;

/** What a circle's tooltip says: how many are there, and a line for each of some. */
function titleOf({ count: all, marked, ids }: PlaceBin, { nouns, describe }: PlaceMap): string {
	const lines = describe ? ids.map(describe) : [];
	const others = all - lines.length;
	return [
		`${counted(all, nouns[0])}, ${wholeNumber(marked)} ${nouns[1]}`,
		...lines,
		...(lines.length && others > 0 ? [`and ${wholeNumber(others)} more`] : []),
	].join('\n');
}

function circles(bins: readonly PlaceBin[], view: View, map: PlaceMap): Markup {
	const { tone } = map;
	const { west, north, perLongitude, perLatitude } = view;
	const merged = new Map<string, PlaceBin>();
	for (const bin of bins) {
		const shifted = (((bin.longitudes / bin.count - west) % 360) + 360) % 360;
		const pixels = {
			...bin,
			longitudes: shifted * perLongitude * bin.count,
			latitudes: (north - bin.latitudes / bin.count) * perLatitude * bin.count,
		};
		merge(merged, BIN_PIXELS, pixels);
	}
	const drawn = [...merged.values()].sort((a, b) => b.count - a.count);
	const most = drawn[0]?.count ?? 1;
	const total = drawn.reduce((sum, bin) => sum + bin.count, 0);
	const scale = Math.min(
		RADII[0],
		RADII[1] / Math.sqrt(most),
		Math.sqrt((MOST_COVERED * WIDTH * view.height) / Math.PI / total),
	);
	const radius = (number: number) => toTenth(Math.max(RADII[0], scale * Math.sqrt(number)));
	return markup`${drawn.map((bin) => {
		const { latitudes, longitudes, count: all, marked } = bin;
		const at = markup`cx="${toTenth(longitudes / all)}" cy="${toTenth(latitudes / all)}"`;
		const inner = Math.min(radius(all), toTenth(radius(all) * Math.sqrt(marked / all)));
		const circle = (kind: number, r: number) => markup`<circle class="f${kind}" ${at} r="${r}" />`;
		return markup`<g><title>${titleOf(bin, map)}</title>${circle(1, radius(all))}${marked > 0 && circle(tone, inner)}</g> `;
	})}`;
}

/** A map with how many things are not on it. */
export function mapSection(title: string, subtitle: string, map: PlaceMap): Section {
	const { withoutPlace } = map.places;
	const note = `Not on the map, because their place is not known: ${counted(withoutPlace, map.nouns[0])}.`;
	return { title, subtitle, content: { map }, notes: [withoutPlace > 0 && note] };
}

/**
 * A map of all places, with grid and scale; the coast where the map is large enough. A circle's area is the number of
 * things there, its inner disc those that are marked.
 */
export function mapOf(map: PlaceMap): Markup {
	const bins = map.places.all();
	if (!bins.length) return markup`<p class="note">There are no places to show.</p>`;
	const places = bins.map((bin) => ({
		latitude: bin.latitudes / bin.count,
		longitude: bin.longitudes / bin.count,
	}));
	const view = viewOf(places);
	const hasCoast = WIDTH / view.perLongitude >= LEAST_SPAN_WITH_COAST;
	const { height } = view;
	return markup`<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="Map of the places">
		<clipPath id="frame"><rect width="${WIDTH}" height="${height}" rx="6" /></clipPath>
		<g clip-path="url(#frame)">
			<rect class="sea" width="${WIDTH}" height="${height}" />
			${hasCoast && land(view)}${grid(view)}${circles(bins, view, map)}${scaleBar(view)}
		</g>
	</svg>
	<p class="note">Gray lines are degrees of latitude and longitude (WGS 84).${hasCoast && ' Coast: Natural Earth.'}</p>`;
}
