/** Certificates made on the spot: an authority, servers for 127.0.0.1 and localhost, and clients named after a user. */
import { generate } from 'selfsigned';

export interface KeyPair {
  readonly cert: string;
  readonly key: string;
}

export class CertificateAuthority {
  readonly #own: KeyPair;

  private constructor(own: KeyPair) {
    this.#own = own;
  }

  static async create(): Promise<CertificateAuthority> {
    const made = await generate([{ name: 'commonName', value: 'Simulated ONTAP CA' }], {
      ...FORM,
      extensions: [
        { name: 'basicConstraints', cA: true, critical: true },
        { name: 'keyUsage', keyCertSign: true, cRLSign: true, critical: true },
      ],
    });
    return new CertificateAuthority({ cert: made.cert, key: made.private });
  }

  /** The authority's certificate, PEM: what clients trust. */
  get certificate(): string {
    return this.#own.cert;
  }

  server(): Promise<KeyPair> {
    return this.#issue('simulated-ontap', [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true, keyEncipherment: true },
      { name: 'extKeyUsage', serverAuth: true },
      {
        name: 'subjectAltName',
        altNames: [
          { type: 2, value: 'localhost' },
          { type: 7, ip: '127.0.0.1' },
        ],
      },
    ]);
  }

  /** For certificate authentication: the subject's common name is the user's name. */
  client(user: string): Promise<KeyPair> {
    return this.#issue(user, [
      { name: 'basicConstraints', cA: false },
      { name: 'keyUsage', digitalSignature: true },
      { name: 'extKeyUsage', clientAuth: true },
    ]);
  }

  async #issue(commonName: string, extensions: Extensions): Promise<KeyPair> {
    const made = await generate([{ name: 'commonName', value: commonName }], { ...FORM, ca: this.#own, extensions });
    return { cert: made.cert, key: made.private };
  }
}

type Extensions = NonNullable<NonNullable<Parameters<typeof generate>[1]>['extensions']>;

const FORM = { keyType: 'ec', curve: 'P-256', algorithm: 'sha256' } as const;
