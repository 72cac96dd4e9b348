/** What every node offers n8n's dialogs. */
import { credentialTest } from './credentialTest';
import { listSearch } from './listSearch';
import { loadOptions } from './loadOptions';
import { resourceMapping } from './resourceMapping';

export const methods = { listSearch, loadOptions, resourceMapping, credentialTest };
