import type { IDataObject } from 'n8n-workflow';
import { objectOf } from '../shared/client/json';
import { endpoints, LENGTHS } from '../shared/client/endpoints';
import { textPart } from '../shared/operation/fields';
import { setupItems } from './checkSetup';
import type { Operation } from '../shared/operation/operation';
import { asText, email, isEmpty, numberIn, text } from '../shared/operation/values';

/** The fields that are filled in, each converted; `undefined` when none is. */
function filled(given: unknown, conversions: Record<string, (value: unknown) => unknown>): IDataObject | undefined {
	const values = objectOf(given);
	const entries = Object.entries(conversions)
		.map(([name, convert]) => [name, isEmpty(values[name]) ? undefined : convert(values[name])])
		.filter(([, value]) => value !== undefined);
	return entries.length ? objectOf(Object.fromEntries(entries)) : undefined;
}

/** In the form of E.164. */
function phoneNumber(value: unknown): string {
	const number = String(value).replace(/[\s().-]/g, '');
	if (!/^\+[1-9]\d{1,14}$/.test(number))
		throw new Error(`"${String(value)}" is not a phone number such as +12065550100`);
	return number;
}

/** A name in this n8n's own list of the IANA database. */
function timeZone(value: unknown): string {
	const name = asText(value).trim();
	try {
		// An offset such as +01:00 is a time zone to Intl alone.
		if (/^[a-z]/i.test(name) && new Intl.DateTimeFormat('en', { timeZone: name }).format()) return name;
	} catch {
		// Intl knows no such zone.
	}
	throw new Error(`"${name}" is not a time zone, e.g. Europe/Berlin`);
}

/** The organization's calls (API definition, tag "Organizations"). */
export const organizationOperations: readonly Operation[] = [
	{
		name: 'Check Setup',
		value: 'checkSetup',
		description:
			"Check token, scopes, organization, clock, time zone, public URL, webhooks and n8n's storage of files: one item each, with what to do",
		endpoint: endpoints.checkKey,
		items: setupItems,
	},
	{
		name: 'Get',
		object: 'Organization',
		value: 'get',
		description: 'Get the name, address, contact and time zone of the organization',
		endpoint: endpoints.getOrganization,
	},
	{
		name: 'Update',
		object: 'Organization',
		value: 'update',
		description: 'Change the name, address, contact or time zone of the organization',
		endpoint: endpoints.updateOrganization,
		inBody: {
			set_name: {
				...textPart('Name', 'name', 'e.g. Cold Chain Rotterdam'),
				collection: 'updateFields',
				toWire: text(Infinity),
			},
			set_address: {
				displayName: 'Address',
				name: 'address',
				type: 'fixedCollection',
				placeholder: 'Set Address',
				default: {},
				description: 'Enter the whole address: it replaces the current one',
				options: [
					{
						displayName: 'Address',
						name: 'address',
						values: [
							textPart('City', 'city', 'e.g. Rotterdam'),
							{
								displayName: 'Country Code',
								name: 'country',
								type: 'number',
								default: '',
								description: 'Numeric country code (ISO 3166), e.g. 840 for the United States',
							},
							textPart('State', 'state', 'e.g. WA'),
							textPart('Street', 'street_address', 'e.g. 1 Harbor Street'),
							textPart('Street, Second Line', 'street_address_line_two', 'e.g. Hall 3'),
						],
					},
				],
				collection: 'updateFields',
				toWire: (value) => {
					const given = filled(objectOf(value).address, {
						street_address: text(LENGTHS.street),
						street_address_line_two: text(LENGTHS.street),
						city: text(LENGTHS.city),
						state: text(LENGTHS.state),
						country: numberIn(1, 999),
					});
					if (given && !given.street_address && !given.city) {
						throw new Error('it replaces the whole address, so enter its street or city too');
					}
					return given;
				},
			},
			set_contact_info: {
				displayName: 'Contact',
				name: 'contact',
				type: 'fixedCollection',
				placeholder: 'Set Contact',
				default: {},
				description: 'The email address, the phone number, or both. They replace the current ones.',
				options: [
					{
						displayName: 'Contact',
						name: 'contact',
						values: [
							textPart('Email', 'email', 'name@email.com'),
							textPart('Phone Number', 'phoneNumber', 'e.g. +12065550100', 'With the country code, in E.164 format'),
						],
					},
				],
				collection: 'updateFields',
				toWire: (value) => filled(objectOf(value).contact, { phoneNumber, email }),
			},
			set_timezone: {
				displayName: 'Timezone Name or ID',
				name: 'timezone',
				type: 'options',
				typeOptions: { loadOptionsMethod: 'getTimezones' },
				default: '',
				description:
					'A name of the IANA time zone database. Choose from the list, or specify an ID using an <a href="https://docs.n8n.io/code/expressions/">expression</a>.',
				collection: 'updateFields',
				toWire: timeZone,
			},
		},
	},
];
