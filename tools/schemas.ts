/* eslint-disable @n8n/community-nodes/no-restricted-imports, @n8n/community-nodes/no-restricted-globals -- a step of the build */
/**
 * What each operation puts out, as JSON Schema, so that n8n can show its fields before the first run. Replies are those
 * of the contract; only what this package makes itself is written down here. `npm run build` writes the files.
 */
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { IDataObject } from 'n8n-workflow';
import { simplifyDevice, simplifyRegistered } from '../nodes/shared/device/device';
import { listOf, type Operation } from '../nodes/shared/operation/operation';
import { inCamelCase, withIsoTimes } from '../nodes/shared/operation/times';
import { PACKETS, simplifyPacket } from '../nodes/shared/packet/packet';
import { servedCalls, type Schema } from './contract';
import { partnerTables, tables } from './tables';

const text = { type: 'string' };
const number = { type: 'number' };
const flag = { type: 'boolean' };
const orNull = ({ type }: { type: string }) => ({ type: [type, 'null'] });
const texts = { type: 'array', items: text };
const map = { type: 'object', additionalProperties: text };
const object = (properties: Record<string, Schema>): Schema => ({ type: 'object', properties });

const place = { latitude: orNull(number), longitude: orNull(number), locationAccuracy: orNull(number) };

export const packet = object({
	timestamp: orNull(text),
	deviceName: orNull(text),
	environment: orNull(text),
	tags: map,
	payload: text,
	...place,
	rssi: orNull(number),
	networkType: orNull(text),
	sequenceNumber: orNull(number),
	deviceId: text,
	packetKey: text,
});

export const device = object({
	name: text,
	lastPacketAt: orNull(text),
	timestampTrusted: flag,
	environment: orNull(text),
	tags: map,
	...place,
	locationType: orNull(text),
	installPlace: orNull(text),
	installLatitude: orNull(number),
	installLongitude: orNull(number),
	createdAt: orNull(text),
	deviceId: text,
});

const registered = {
	name: text,
	key: orNull(text),
	environment: orNull(text),
	tags: map,
	installPlace: orNull(text),
	installLatitude: orNull(number),
	installLongitude: orNull(number),
	createdAt: orNull(text),
	deviceId: text,
};

/** By the function that simplifies a row: what it gives. */
const SIMPLIFIED = new Map<Operation['shape'], Schema>([
	[simplifyDevice, device],
	[simplifyPacket, packet],
	[simplifyRegistered, object(registered)],
]);

const file = {
	fileName: text,
	count: number,
	complete: flag,
	bytes: number,
	requests: number,
	skipped: number,
	continuationToken: text,
	rowsRepeated: number,
	resumeStartTime: text,
	resumeEndTime: text,
	stoppedBy: text,
	tagsWithoutColumn: texts,
};
const report = { fileName: text, title: text, skipped: number, html: text };
const counts = { devices: number };

const voucher = object({
	id: text,
	cardType: text,
	cardNumber: orNull(text),
	cardPin: orNull(text),
	validTill: orNull(text),
	amount: { type: ['number', 'string'] },
});
const order = {
	id: text,
	status: text,
	referenceId: text,
	vouchers: { type: 'array', nullable: true, items: voucher },
	failureReason: orNull(text),
};
const brand = object({
	id: text,
	status: text,
	title: text,
	category: texts,
	tags: texts,
	denominationType: text,
	cardType: text,
	redemptionType: text,
	amountRestrictions: object({
		minOrderAmount: number,
		maxOrderAmount: number,
		minVoucherAmount: number,
		maxVoucherAmount: number,
		maxVouchersPerOrder: number,
		maxVouchersPerDenomination: orNull(number),
		maxDenominationsPerOrder: orNull(number),
		denominations: { type: 'array', items: number },
	}),
	voucherExpiryInMonths: orNull(number),
	discountPercentage: orNull(number),
});

/** What is no reply of the contract, by node, resource and operation: `more` is beside the reply. */
const OWN: Readonly<Record<string, Schema | { more: Record<string, Schema>; without?: string }>> = {
	'Hubble API Key apiKey rotate': { more: { replacedKeyId: text, oldKeyDeleted: flag } },
	'Hubble API Key apiKey validate': { more: { valid: flag } },
	'Hubble Billing invoice downloadPdf': object({
		invoiceId: text,
		invoiceNumber: text,
		issueTimestamp: orNull(text),
		dueTimestamp: orNull(text),
		status: text,
		totalBalance: number,
		remainingBalance: number,
		fileName: text,
	}),
	'Hubble Billing paymentMethod getAll': { more: { isDefault: flag } },
	'Hubble Billing usage getActiveDevices': { more: { periodStart: orNull(text), periodEnd: orNull(text) } },
	'Hubble Device count': object({ count: number }),
	'Hubble Device createReport': object({ ...report, ...counts, heard: number, silent: number, neverHeard: number }),
	'Hubble Device createOrUpdate': { more: { created: flag } },
	'Hubble Device export': object(file),
	'Hubble Gift Card brand get': brand,
	'Hubble Gift Card brand getAll': brand,
	'Hubble Gift Card order get': object(order),
	'Hubble Gift Card order place': object({ ...order, amount: number, alreadyPlaced: flag, walletBalance: number }),
	'Hubble Gift Card order resendDelivery': object({ resent: flag, orderId: text }),
	'Hubble Gift Card voucher get': voucher,
	'Hubble Gift Card wallet getBalance': object({ balance: number }),
	'Hubble Metric createChart': object({
		...report,
		packets: number,
		devices: number,
		activeDevices: number,
		neverActiveDevices: number,
	}),
	'Hubble Metric getApiMetrics': { more: { isRunning: flag } },
	'Hubble Metric getDeviceMetrics': { more: { isRunning: flag } },
	'Hubble Metric getPacketMetrics': { more: { isRunning: flag } },
	'Hubble Metric getWebhookMetrics': { more: { isRunning: flag } },
	'Hubble Organization checkSetup': object({ check: text, state: text, meaning: text, advice: text }),
	'Hubble Packet count': object({
		deviceName: orNull(text),
		tag: text,
		tagValue: orNull(text),
		count: number,
		packetsRead: number,
		startTime: orNull(text),
		endTime: orNull(text),
		deviceId: text,
	}),
	'Hubble Packet createReport': object({
		...report,
		packets: number,
		...counts,
		terrestrial: number,
		satellite: number,
		unknownNetwork: number,
	}),
	// The fields of the input item come before it.
	'Hubble Packet decode': object({ decoded: { type: 'object' } }),
	'Hubble Packet export': object({ ...file, firstTime: orNull(text), lastTime: orNull(text) }),
	// Devices without a packet are among them.
	'Hubble Packet getLatest': { more: { payload: orNull(text), packetKey: orNull(text) } },
	'Hubble Packet summarize': object({
		localTime: text,
		deviceName: orNull(text),
		tag: text,
		tagValue: orNull(text),
		field: text,
		unit: orNull(text),
		count: number,
		min: number,
		mean: number,
		max: number,
		first: number,
		last: number,
		startTime: orNull(text),
		endTime: orNull(text),
		deviceId: text,
	}),
	'Hubble Webhook check': { more: { state: text, workflow: orNull(text), deleted: flag, moved: flag, advice: text } },
	'Hubble Webhook test': { more: { errorDetails: orNull(text) }, without: 'error' },
};

/** The triggers, by the folder of their node. */
const TRIGGERS: Readonly<Record<string, Schema>> = {
	HubblePacketTrigger: packet,
	HubblePacketPollTrigger: packet,
	HubbleDeviceTrigger: object({
		event: text,
		text,
		area: orNull(text),
		silentSince: orNull(text),
		silentForSeconds: orNull(number),
		silentForHours: orNull(number),
		heardAt: orNull(text),
		registeredAt: text,
		...(device.properties as Record<string, Schema>),
		isExample: flag,
		eventKey: text,
	}),
	HubbleGiftCardTrigger: object({ event: text, receivedAt: text, data: { type: 'object' } }),
};

/** How an operation writes the names and times of a row: as it is, with ISO texts beside the times, or in camelCase. */
type Spelling = (row: IDataObject) => IDataObject;

/** The fields of a schema of the contract that say what a value is, as an operation writes them. */
function shapeOf(schema: Schema, spelling: Spelling): Schema {
	const { type, nullable, items, properties, additionalProperties } = schema;
	const fields = Object.entries((properties ?? {}) as Record<string, Schema>).flatMap(([name, inner]) => {
		const isNumber = /number|integer/.test(String(inner.type));
		return Object.entries(spelling({ [name]: isNumber ? 1 : '' })).map(([written, value]) => [
			written,
			isNumber && typeof value === 'string' ? orNull(text) : shapeOf(inner, spelling),
		]);
	});
	return {
		type,
		...(nullable ? { nullable } : {}),
		...(items ? { items: shapeOf(items as Schema, spelling) } : {}),
		...(properties ? { properties: Object.fromEntries(fields) as Schema } : {}),
		...(additionalProperties ? { additionalProperties } : {}),
	};
}

/** One row of what Hubble answers to a call. */
function rowIn(operation: Operation): Schema {
	const { method, path } = operation.endpoint ?? {};
	const reply = servedCalls.find((call) => call.method === method && call.path === path)?.reply;
	const fields = (reply?.properties ?? {}) as Record<string, Schema>;
	const rows = listOf(operation)?.rows ?? (operation.batch && 'devices' in fields ? 'devices' : undefined);
	const made = operation.items && ['buckets', 'webhooks'].find((name) => name in fields);
	const list = fields[rows ?? made ?? ''];
	return (list?.items as Schema | undefined) ?? reply ?? {};
}

/** The name of what was deleted. */
const idOf = ({ inPath, inBody, idInBody }: Operation): Record<string, Schema> => {
	const name = idInBody ? inBody?.[idInBody]?.name : Object.values(inPath ?? {}).at(-1)?.name;
	return name ? { [name]: text } : {};
};

const nameOf = (node: string, { resource, value }: Operation) => [node, resource, value].filter(Boolean).join(' ');

const asIs: Spelling = (row) => row;

/** What one item of an operation holds; `undefined` when nobody has written it down. */
export function outputOf(node: string, operation: Operation, isSimplified = true): Schema | undefined {
	const own = OWN[nameOf(node, operation)];
	if (own && !('more' in own)) return own;
	if (operation.endpoint?.method === 'DELETE') return object({ deleted: flag, ...idOf(operation) });
	const simplified = isSimplified ? SIMPLIFIED.get(operation.shape) : undefined;
	const spelling = !operation.shape ? inCamelCase : operation.list === PACKETS ? asIs : withIsoTimes;
	const shape = simplified ?? shapeOf(rowIn(operation), spelling);
	if (!shape.properties) return undefined;
	if (!own) return shape;
	const fields: Record<string, Schema> = { ...(shape.properties as Record<string, Schema>) };
	delete fields[String(own.without)];
	return object({ ...fields, ...(own.more as Record<string, Schema>) });
}

/** File → schema, for every operation and trigger, by the paths at which n8n looks for them beside a node. */
export function schemaFiles(): Record<string, Schema> {
	const folderOf = (node: string) => node.replace('API', 'Api').replace(/ /g, '');
	const operations = Object.entries({ ...tables, ...partnerTables }).flatMap(([node, rows]) =>
		rows.flatMap((row) => {
			const schema = outputOf(node, row);
			const resource = row.resource ?? node.split(' ').at(-1)?.toLowerCase();
			return schema ? [[`${folderOf(node)}/__schema__/v1.0.0/${resource}/${row.value}.json`, schema] as const] : [];
		}),
	);
	const triggers = Object.entries(TRIGGERS).map(
		([folder, schema]) => [`${folder}/__schema__/v${VERSIONS[folder] ?? 1}.0.0/output.json`, schema] as const,
	);
	return Object.fromEntries([...operations, ...triggers]);
}

/** The triggers whose version is another one than 1. */
const VERSIONS: Readonly<Record<string, number>> = { HubblePacketTrigger: 2, HubbleGiftCardTrigger: 2 };

if (process.argv[1]?.endsWith('schemas.ts')) {
	for (const [path, schema] of Object.entries(schemaFiles())) {
		const target = join(__dirname, '../dist/nodes', path);
		mkdirSync(dirname(target), { recursive: true });
		writeFileSync(target, JSON.stringify(schema));
	}
}
