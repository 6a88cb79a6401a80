import type { Repository } from '../repository.ts'
import { OciInventory } from './oci.ts'

/**
 * zot: as the distribution specification has it, and tags go alone. It refuses to delete a manifest that an index
 * still names (405 DENIED); what names others is therefore deleted before them.
 */
export function zotInventory(repository: Repository): OciInventory {
  return new OciInventory(repository, true)
}
