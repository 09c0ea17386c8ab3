/** Storage virtual machines and the aggregates they use. */

export class Svm {
  readonly uuid: string;
  readonly name: string;
  state: 'running' | 'stopped' = 'running';

  constructor(uuid: string, name: string) {
    this.uuid = uuid;
    this.name = name;
  }
}

export class Aggregate {
  readonly uuid: string;
  readonly name: string;
  readonly sizeBytes: number;
  readonly node: string;

  constructor(uuid: string, name: string, sizeBytes: number, node: string) {
    this.uuid = uuid;
    this.name = name;
    this.sizeBytes = sizeBytes;
    this.node = node;
  }
}
