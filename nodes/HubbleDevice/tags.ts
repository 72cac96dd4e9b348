/** Tags of a device: what n8n gives, what Hubble takes, and changes of those that a device has. Pure. */
import type { IDataObject } from 'n8n-workflow';
import { TAG_LIMITS } from '../shared/client/endpoints';
import { objectOf, rowsOf } from '../shared/client/json';
import { asText, isEmpty, quoted, texts } from '../shared/operation/values';

export type Tags = Readonly<Record<string, string>>;

/** The values of `_env`, the only tag with a leading "_" that users may write. */
const ENVIRONMENTS = ['production', 'sandbox'];

/** Throws an Error that says why nobody may write the tag with this key. */
function checkKey(key: string): void {
	if (!key) throw new Error('a tag has no key');
	if (key === '__proto__') throw new Error('"__proto__" cannot be used as a key');
	if (key.startsWith('_') && key !== '_env') {
		throw new Error(
			`the key "${key}" begins with "_", which is reserved for Hubble's own tags; of these, only "_env" can be set`,
		);
	}
	if ([...key].length > TAG_LIMITS.key) throw new Error(`the key "${key}" has more than ${TAG_LIMITS.key} characters`);
}

function checkValue(key: string, value: string): void {
	if ([...value].length > TAG_LIMITS.value) {
		throw new Error(`the value of "${key}" has more than ${TAG_LIMITS.value} characters`);
	}
	if (key === '_env' && !ENVIRONMENTS.includes(value)) {
		throw new Error(`"_env" must be ${ENVIRONMENTS.join(' or ')}, not "${value}"`);
	}
}

/** Throws when these are more tags than a device can have; `_env` is not counted. */
function checkCount(tags: Tags): void {
	const count = Object.keys(tags).filter((key) => key !== '_env').length;
	if (count > TAG_LIMITS.count) {
		throw new Error(`the device would have ${count} tags; the maximum is ${TAG_LIMITS.count}`);
	}
}

/**
 * `{tag: [{key, value}]}` of a repeated parameter → the map that Hubble takes. A blank value, such as the empty cell of
 * a table, means that there is no such tag. Without tags nothing is sent.
 */
export function tagMap(value: unknown): Tags | undefined {
	const rows = rowsOf(objectOf(value).tag);
	const tags = new Map<string, string>();
	for (const row of rows) {
		if (isEmpty(row)) continue;
		const key = asText(row.key ?? '')
			.trim()
			.normalize();
		checkKey(key);
		if (isEmpty(row.value)) continue;
		if (typeof row.value === 'object') throw new Error(`the value of "${key}" is not a text: ${quoted(row.value)}`);
		const content = asText(row.value).trim();
		if (tags.has(key)) throw new Error(`the tag "${key}" appears twice`);
		checkValue(key, content);
		tags.set(key, content);
	}
	const map = Object.fromEntries(tags);
	checkCount(map);
	return tags.size ? map : undefined;
}

/** Keys of the tags to remove. */
export function tagKeys(value: unknown): string[] | undefined {
	const keys = texts(value)?.map((key) => key.normalize());
	keys?.forEach(checkKey);
	if (keys?.includes('_env')) throw new Error('"_env" cannot be removed: every device has it');
	return keys;
}

/**
 * The tags of a device after a change, as `set_tags` takes them: a full replacement, so all that nobody named must
 * be in it. Hubble keeps its own tags by itself; `_env` goes with them, as users may write it, but is left out beside ten
 * others where it stays as it is: every device has one, and nobody knows whether Hubble counts it.
 * Throws when they are too many.
 */
export function changedTags(
	present: IDataObject,
	{ addTags = {}, removeTags = [] }: { addTags?: Tags; removeTags?: readonly string[] },
): Tags {
	// The keys of a change are in one form of Unicode; a device may have others.
	const spelling = new Map(Object.keys(present).map((key) => [key.normalize(), key]));
	const spelled = (key: string) => spelling.get(key) ?? key;
	const removed = new Set(removeTags.map(spelled));
	const kept = Object.entries(present).filter(
		([key, value]) =>
			!removed.has(key) && (key === '_env' ? ENVIRONMENTS.includes(String(value)) : !key.startsWith('_')),
	);
	const { _env, ...own }: Tags = {
		...Object.fromEntries(kept.map(([key, value]) => [key, String(value)])),
		...Object.fromEntries(Object.entries(addTags).map(([key, value]) => [spelled(key), value])),
	};
	checkCount(own);
	const isFull = Object.keys(own).length === TAG_LIMITS.count;
	return _env === undefined || (isFull && addTags._env === undefined) ? own : { _env, ...own };
}
