import { SlipwayError } from '../core/error.ts'
import { isRepository } from '../oci/reference.ts'
import type { Call } from '../store/store.ts'
import { type Endpoint, isDockerHub } from './endpoint.ts'
import { failed, readFaults } from './errors.ts'
import { follow, invalid, type Page, readPage } from './pages.ts'

/** Hosts that have no catalog, whatever they answer to it. */
const without = (host: string) => isDockerHub(host) || host === 'ghcr.io'

/** Every repository the credential may see. @throws UNSUPPORTED where there is no catalog */
export async function* listRepositories(endpoint: Endpoint, call: Call): AsyncGenerator<string> {
  const where = endpoint.host
  const ask = async (to: URL): Promise<Page> => {
    const response = await endpoint.auth.send({ method: 'GET', url: to, ...call }, [{ catalog: true }])
    if (response.status === 200) return readPage(endpoint, where, response)
    const faults = await readFaults(response)
    const unsupported =
      [404, 405, 501].includes(response.status) ||
      faults.some((one) => one.code === 'UNSUPPORTED') ||
      (without(where) && response.status < 429)
    throw unsupported
      ? new SlipwayError(
          'UNSUPPORTED',
          `${where} has no list of repositories (it answered ${response.status})`,
          {
            hint: 'Name the repositories instead.',
          },
        )
      : failed(endpoint, where, 'listing repositories', response, faults)
  }
  const seen = new Set<string>()
  for await (const page of follow(where, await ask(endpoint.url('_catalog')), ask)) {
    const names = page.body.repositories
    if (names !== null && !Array.isArray(names))
      throw invalid(where, 'the answer holds no list of repositories')
    for (const name of names ?? []) {
      if (typeof name !== 'string' || !isRepository(name) || seen.has(name)) continue
      seen.add(name)
      yield name
    }
  }
}
