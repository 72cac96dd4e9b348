import type { IBinaryData, IDataObject } from 'n8n-workflow';
import { endpoints } from '../shared/client/endpoints';
import type { HubbleClient } from '../shared/client/client';
import { unexpectedResponse } from '../shared/client/errors';
import { CALENDAR_PERIODS, choices, invoice } from '../shared/operation/fields';
import { operation, type ClientFilter, type Operation, type RequestOf, type Work } from '../shared/operation/operation';
import { binaryField, safeName } from '../shared/operation/outputFile';
import { listItems } from '../shared/operation/rows';
import { calendarPeriod, inCamelCase } from '../shared/operation/times';
import { rowsOf } from '../shared/client/json';

/**
 * The list of the organization's invoices, fetched once in a run: the call of the PDF tells no number and no amount.
 * A file is worth more than what is said about it: a list that fails is an empty one, and asked for again next time.
 */
const fetched = new WeakMap<HubbleClient, Promise<IDataObject[]>>();

function invoices({ hubble, hints }: Pick<Work, 'hubble' | 'hints'>): Promise<IDataObject[]> {
	const unnamed = (error: Error): IDataObject[] => {
		fetched.delete(hubble);
		hints.add(
			`The list of invoices could not be read: ${error.message}. The files are named after the IDs, and their items contain no details.`,
		);
		return [];
	};
	const known =
		fetched.get(hubble) ??
		hubble.send({ endpoint: endpoints.listInvoices }).then(({ body }) => rowsOf(body.invoices), unnamed);
	fetched.set(hubble, known);
	return known;
}

const downloadPdf = async (work: Work<RequestOf<{ settings: { binaryField: typeof binaryField } }>>) => {
	const { context, hubble, request } = work;
	const { invoice_id = '' } = request.ids;
	const row = (await invoices(work)).find((entry) => entry.invoice_id === invoice_id);
	const number = String(row?.invoice_number || invoice_id).replace(/[/\\]/g, '-');
	const name = `${safeName(number) || 'invoice'}.pdf`;
	const { body, requestId } = await hubble.send({
		...request,
		read: async (stream) => ({ file: await context.helpers.prepareBinaryData(stream, name, 'application/pdf') }),
	});
	const file = body.file as IBinaryData | undefined;
	// n8n returns the size as text.
	if (!file || file.fileSize === '0 B') throw unexpectedResponse(context.getNode(), 'PDF', hubble.baseUrl, requestId);
	const field = String(request.settings.binaryField ?? 'data');
	return [{ json: inCamelCase({ ...(row ?? { invoice_id }), file_name: name }), binary: { [field]: file } }];
};

/** When an invoice was issued. */
const issued = {
	displayName: 'Period',
	name: 'period',
	type: 'options',
	options: CALENDAR_PERIODS,
	default: 'lastMonth',
	description: 'Only invoices issued in this period, in the time zone of the workflow',
	collection: 'filters',
	toWire: (name, { now, timezone }) => calendarPeriod(String(name), now(), timezone),
	matches: ({ issue_timestamp: at }, { start, end }: { start: number; end: number }) =>
		Number(at) >= start && Number(at) < end,
} satisfies ClientFilter;

/** Billing's calls (API definition, tag "Billing"). */
export const billingOperations: readonly Operation[] = [
	operation({
		resource: 'invoice',
		name: 'Download PDF',
		value: 'downloadPdf',
		action: 'Download invoice as PDF',
		description: 'Get an invoice as a PDF file in a binary field of the output',
		endpoint: endpoints.getInvoicePdf,
		inPath: { invoice_id: invoice },
		settings: { binaryField },
		items: downloadPdf,
	}),
	{
		resource: 'invoice',
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many invoices',
		description: 'Get the latest invoices of the organization',
		endpoint: endpoints.listInvoices,
		clientFilters: [issued],
	},
	{
		resource: 'paymentMethod',
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many payment methods',
		description:
			'Get the cards that are stored for the organization, with their last four digits and which one is the default',
		endpoint: endpoints.listPaymentMethods,
		items: (work) =>
			listItems(work, endpoints.listPaymentMethods.list, (row, { default_payment_method_id: preferred }) =>
				inCamelCase({ ...row, is_default: row.id === preferred }),
			),
	},
	{
		resource: 'subscription',
		name: 'Get',
		value: 'get',
		action: 'Get subscription',
		description: 'Get the plan of the organization, its prices in cents and its current period',
		endpoint: endpoints.getSubscription,
	},
	{
		resource: 'usage',
		name: 'Get Active Devices',
		value: 'getActiveDevices',
		description: 'Get the devices that were active in the current billing period, with its start and end',
		endpoint: endpoints.listActiveDevices,
		items: (work) =>
			listItems(work, endpoints.listActiveDevices.list, (row, { period_start = null, period_end = null }) =>
				inCamelCase({ ...row, period_start, period_end }),
			),
		inQuery: {
			network_type: {
				displayName: 'Network',
				name: 'networkType',
				type: 'options',
				options: choices(['Satellite', 'satellite', 'Needs satellite access'], ['Terrestrial', 'terrestrial']),
				default: 'terrestrial',
				description: 'Only devices last heard over this network',
				collection: 'filters',
			},
		},
	},
	{
		resource: 'usage',
		name: 'Get Many',
		value: 'getAll',
		action: 'Get many usage records',
		description: 'Get how many devices were active on each day and in each month',
		endpoint: endpoints.listUsage,
	},
];
