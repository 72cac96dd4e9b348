/** A workbook of one sheet as bytes: the least that spreadsheet programs read (ECMA-376), in a zip without compression. */

const crcTable = Array.from({ length: 256 }, (_, byte) => {
	let rest = byte;
	for (let bit = 0; bit < 8; bit++) rest = rest & 1 ? (rest >>> 1) ^ 0xedb88320 : rest >>> 1;
	return rest;
});
const crc32 = (data: Buffer) =>
	~data.reduce((crc, byte) => (crcTable[(crc ^ byte) & 255] ?? 0) ^ (crc >>> 8), -1) >>> 0;

/** Files as a zip archive (PKWARE's APPNOTE): a local header and the bytes of each, then the directory. */
function zip(files: Readonly<Record<string, string>>): Buffer {
	const parts: Buffer[] = [];
	const directory: Buffer[] = [];
	let offset = 0;
	for (const [path, text] of Object.entries(files)) {
		const [name, data] = [Buffer.from(path), Buffer.from(text)];
		const facts = Buffer.alloc(26);
		facts.writeUInt16LE(20, 0);
		facts.writeUInt16LE(0x21, 8); // 1 January 1980
		facts.writeUInt32LE(crc32(data), 10);
		facts.writeUInt32LE(data.length, 14);
		facts.writeUInt32LE(data.length, 18);
		facts.writeUInt16LE(name.length, 22);
		const place = Buffer.alloc(14);
		place.writeUInt32LE(offset, 10);
		const local = Buffer.concat([Buffer.from('PK\x03\x04'), facts, name, data]);
		directory.push(Buffer.from('PK\x01\x02\x14\0'), facts, place, name);
		parts.push(local);
		offset += local.length;
	}
	const listed = Buffer.concat(directory);
	const end = Buffer.alloc(22);
	end.write('PK\x05\x06', 'latin1');
	end.writeUInt16LE(parts.length, 8);
	end.writeUInt16LE(parts.length, 10);
	end.writeUInt32LE(listed.length, 12);
	end.writeUInt32LE(offset, 16);
	return Buffer.concat([...parts, listed, end]);
}

const xml = (text: string) => `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>${text}`;
const main = 'http://schemas.openxmlformats.org/spreadsheetml/2006/main';
const links = 'http://schemas.openxmlformats.org/officeDocument/2006/relationships';
const relations = (type: string, target: string) =>
	xml(
		`<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships"><Relationship Id="rId1" Type="${links}/${type}" Target="${target}"/></Relationships>`,
	);
const kind = 'application/vnd.openxmlformats-officedocument.spreadsheetml';

/** A text stays a text, a number is one; an empty text is no cell. */
export function xlsx(rows: ReadonlyArray<ReadonlyArray<string | number>>): Buffer {
	const cell = (value: string | number, at: string) => {
		if (value === '') return '';
		if (typeof value === 'number') return `<c r="${at}"><v>${value}</v></c>`;
		return `<c r="${at}" t="inlineStr"><is><t>${value}</t></is></c>`;
	};
	const sheet = rows
		.map(
			(row, y) => `<row r="${y + 1}">${row.map((value, x) => cell(value, `${'ABCDEFGH'[x]}${y + 1}`)).join('')}</row>`,
		)
		.join('');
	return zip({
		'[Content_Types].xml': xml(
			`<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"><Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="${kind}.sheet.main+xml"/><Override PartName="/xl/worksheets/sheet1.xml" ContentType="${kind}.worksheet+xml"/></Types>`,
		),
		'_rels/.rels': relations('officeDocument', 'xl/workbook.xml'),
		'xl/workbook.xml': xml(
			`<workbook xmlns="${main}" xmlns:r="${links}"><sheets><sheet name="Devices" sheetId="1" r:id="rId1"/></sheets></workbook>`,
		),
		'xl/_rels/workbook.xml.rels': relations('worksheet', 'worksheets/sheet1.xml'),
		'xl/worksheets/sheet1.xml': xml(`<worksheet xmlns="${main}"><sheetData>${sheet}</sheetData></worksheet>`),
	});
}
