import * as tls from 'node:tls'
import { badInput, messageOf } from '../core/error.ts'

/** What a host needs beyond the machine's own trust. All texts are PEM. */
export interface TlsSettings {
  /** Authorities trusted in addition to the system's. */
  readonly ca?: readonly string[]
  /** Client certificate and its key. */
  readonly cert?: string
  readonly key?: string
  /** Accept any certificate. */
  readonly insecure?: boolean
}

/** Options for `tls.connect`; the context is made once, since reading 150 root certificates takes long. */
export function connectOptions(
  host: string,
  settings: TlsSettings,
): { secureContext?: tls.SecureContext; rejectUnauthorized?: boolean } {
  const { ca = [], cert, key, insecure = false } = settings
  return {
    ...(ca.length > 0 || cert !== undefined ? { secureContext: contextOf(host, ca, cert, key) } : {}),
    ...(insecure ? { rejectUnauthorized: false } : {}),
  }
}

function contextOf(host: string, ca: readonly string[], cert?: string, key?: string): tls.SecureContext {
  for (const pem of ca)
    if (!pem.includes('-----BEGIN '))
      throw badInput('CERTIFICATE_INVALID', `registries.${host}.ca holds no PEM certificate`)
  try {
    return tls.createSecureContext({
      ...(ca.length === 0 ? {} : { ca: [...systemRoots(), ...ca] }),
      ...(cert === undefined ? {} : { cert }),
      ...(key === undefined ? {} : { key }),
    })
  } catch (cause) {
    throw badInput(
      'CERTIFICATE_INVALID',
      `the certificates configured for ${host} cannot be used: ${messageOf(cause)}`,
      { cause, hint: `Check registries.${host}.ca, .cert and .key: each must be PEM.` },
    )
  }
}

/** Node before 22.15 cannot list what it trusts by default, only what it was built with. */
function systemRoots(): readonly string[] {
  return tls.getCACertificates?.('default') ?? tls.rootCertificates
}

/** An https request met something that does not speak TLS. */
const notTls = new Set([
  'ERR_SSL_WRONG_VERSION_NUMBER',
  'ERR_SSL_PACKET_LENGTH_TOO_LONG',
  'ERR_SSL_HTTP_REQUEST',
])

const certificateCodes =
  /^(CERT_|DEPTH_ZERO_|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|ERR_OSSL_|EPROTO$|INVALID_CA$|INVALID_PURPOSE$|PATH_LENGTH_EXCEEDED$|HOSTNAME_MISMATCH$)/

/** Why TLS failed, and what to do; undefined for codes of other failures. */
export function explainTls(code: string, host: string): { reason: string; hint: string } | undefined {
  if (notTls.has(code))
    return {
      reason: 'it speaks plain HTTP, not TLS',
      hint: `Use --plain-http, or registries.${host}.plainHttp, if that is meant.`,
    }
  if (!certificateCodes.test(code)) return undefined
  const trust = `Name its authority in registries.${host}.ca, or use --insecure to accept any certificate.`
  if (/SELF_SIGNED|UNABLE_TO_|INVALID_CA/.test(code))
    return {
      reason: `its certificate is not signed by an authority this machine trusts (${code})`,
      hint: trust,
    }
  if (/EXPIRED|NOT_YET_VALID/.test(code))
    return {
      reason: `its certificate is not valid now (${code})`,
      hint: 'Renew the certificate, or check the clock of this machine.',
    }
  if (/ALTNAME|HOSTNAME_MISMATCH/.test(code))
    return {
      reason: `its certificate was made for another name (${code})`,
      hint: 'Use the name that stands in the certificate.',
    }
  if (/CERTIFICATE_REQUIRED|ALERT/.test(code))
    return {
      reason: `it refused the TLS handshake (${code})`,
      hint: `If it wants a client certificate, set registries.${host}.cert and .key.`,
    }
  return { reason: `the TLS handshake failed (${code})`, hint: trust }
}
