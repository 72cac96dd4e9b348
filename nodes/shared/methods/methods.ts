/** What every node offers n8n's dialogs. */
import { credentialTest } from './credentialTest';
import { listSearch } from './listSearch';
import { loadOptions } from './loadOptions';

export const methods = { listSearch, loadOptions, credentialTest };
