/** Tags of a device, and changes of them. */
import fc from 'fast-check';
import { changedTags, tagKeys, tagMap } from '../../nodes/HubbleDevice/tags';

const tag = (key: string, value: unknown = 'x') => ({ tag: [{ key, value }] });
const key = fc.constantFrom('a', 'b', 'c', 'd', 'constructor');
const tags = fc.dictionary(key, fc.constantFrom('1', '2', ''));
const environment = fc.constantFrom('production', 'sandbox');

it('a change sets what it names, removes what it names, and leaves the rest as it is', () => {
	fc.assert(
		fc.property(tags, environment, tags, fc.array(key), (own, _env, set, remove) => {
			const removed = remove.filter((name) => !Object.hasOwn(set, name));
			const after = changedTags({ ...own, _env, _cal: 'of Hubble' }, { addTags: set, removeTags: removed });
			const expected = Object.entries({ ...own, _env, ...set }).filter(
				([name]) => !removed.some((gone) => gone === name),
			);
			expect(new Map(Object.entries(after))).toEqual(new Map(expected));
		}),
	);
});

it('a key is one in both forms of Unicode, whichever the device has', () => {
	const [nfc, nfd] = ['NFC', 'NFD'].map((form) => 'Größe'.normalize(form)) as [string, string];
	const removeTags = tagKeys([nfd]);
	const addTags = tagMap(tag(nfd, 'L'));
	expect([removeTags, addTags]).toEqual([[nfc], { [nfc]: 'L' }]);
	for (const present of [nfc, nfd]) {
		expect(changedTags({ [present]: 'M', site: 'x' }, { removeTags })).toEqual({ site: 'x' });
		expect(changedTags({ [present]: 'M', site: 'x' }, { addTags })).toEqual({ [present]: 'L', site: 'x' });
	}
	expect(() => tagMap({ tag: [nfc, nfd].map((key) => ({ key, value: 'x' })) })).toThrow(
		`the tag "${nfc}" appears twice`,
	);
});

it('a change of the environment is a change of "_env"', () => {
	expect(changedTags({ _env: 'sandbox', site: 'x' }, { addTags: { _env: 'production' } })).toEqual({
		_env: 'production',
		site: 'x',
	});
});

it('ten tags fit, and "_env" beside them only where it changes', () => {
	const ten = Object.fromEntries(Array.from({ length: 10 }, (_, n) => [`t${n}`, '1']));
	expect(changedTags({ _env: 'sandbox', ...ten }, { addTags: { t0: '2' } })).toEqual({ ...ten, t0: '2' });
	expect(changedTags({ _env: 'sandbox', ...ten }, { addTags: { _env: 'production' } })).toEqual({
		_env: 'production',
		...ten,
	});
	expect(() => changedTags(ten, { addTags: { more: '1' } })).toThrow('11 tags');
	expect(changedTags(ten, {})).toEqual(ten);
	const rows = Object.entries({ ...ten, _env: 'sandbox' }).map(([key, value]) => ({ key, value }));
	expect(tagMap({ tag: rows })).toEqual({ ...ten, _env: 'sandbox' });
	expect(() => tagMap({ tag: [...rows, ...tag('more').tag] })).toThrow('11 tags');
	expect(changedTags(ten, { addTags: { more: '1' }, removeTags: ['t0'] })).not.toHaveProperty('t0');
});

it.each([
	['', 'no key'],
	['__proto__', '"__proto__" cannot be used as a key'],
	['_cal', "reserved for Hubble's own tags"],
	['k'.repeat(33), 'more than 32 characters'],
])('the key "%s" is refused for what it is', (name, reason) => {
	expect(() => tagMap(tag(name))).toThrow(reason);
});

it.each([
	['_env', 'staging', '"_env" must be production or sandbox'],
	['site', { a: 1 }, 'the value of "site" is not a text: an object (a)'],
	['site', ['x'], 'the value of "site" is not a text: ["x"]'],
	['site', 'v'.repeat(129), 'more than 128 characters'],
])('%s: %p is refused', (name, value, reason) => {
	expect(() => tagMap({ tag: [{ key: name, value }] })).toThrow(reason);
});

it('as many characters fit as a tag may have; blanks at the ends do not count, and a row of blanks says nothing', () => {
	const [key, value] = ['k'.repeat(32), 'v'.repeat(128)] as const;
	expect(tagMap(tag(` ${key} `, ` ${value} `))).toEqual({ [key]: value });
	expect(tagMap({ tag: [{ key: '', value: '' }] })).toBeUndefined();
	expect(() => tagMap({ tag: [{ value: 'x' }] })).toThrow('a tag has no key');
	expect([tagKeys(''), tagKeys(undefined)]).toEqual([undefined, undefined]);
});

it.each([[''], [' '], [null], [undefined]])('the value %p means that there is no such tag', (value) => {
	expect(tagMap({ tag: [{ key: 'site', value }, ...tag('hall', '00123').tag] })).toEqual({ hall: '00123' });
	expect(tagMap({ tag: [{ key: 'site', value }] })).toBeUndefined();
});

it('blanks around a value are no part of it: no filter could find them', () => {
	expect(tagMap(tag('site', ' Rotterdam  West '))).toEqual({ site: 'Rotterdam  West' });
});

it('the environment may be written, but not removed', () => {
	expect(tagMap(tag('_env', 'sandbox'))).toEqual({ _env: 'sandbox' });
	expect(() => tagKeys(['site', '_env'])).toThrow('cannot be removed');
	expect(tagKeys(['site', ' model '])).toEqual(['site', 'model']);
});
