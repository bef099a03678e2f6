// Validates files with @trustnxt/c2pa-ts, an implementation of C2PA that shares no code with c2pa-rs. One line of JSON for each file.
// It reads fewer containers than we sign. For WAV, FLAC and MP3 this program finds the manifest store itself, by its JUMBF box; M4A is its own BMFF reader's.
import * as fs from 'node:fs/promises';
import { BMFF } from '@trustnxt/c2pa-ts/asset';
import { SuperBox } from '@trustnxt/c2pa-ts/jumbf';
import { ManifestStore } from '@trustnxt/c2pa-ts/manifest';

BMFF.canReadBrands.add('M4A ');

class Plain {
  constructor(data) {
    this.data = data;
    this.mimeType = 'audio/unknown';
    this.start = Buffer.from(data.buffer, data.byteOffset, data.length).indexOf('jumb') - 4;
    this.length = new DataView(data.buffer, data.byteOffset).getUint32(this.start);
  }
  getDataLength() { return this.data.length; }
  async getDataRange(start = 0, length = undefined) { return this.data.subarray(start, length === undefined ? undefined : start + length); }
  getManifestJUMBF() { return this.data.subarray(this.start, this.start + this.length); }
  getHashExclusionRange() { return { start: this.start, length: this.length }; }
  dumpInfo() { return ''; }
}

for (const file of process.argv.slice(2)) {
  const data = new Uint8Array(await fs.readFile(file));
  const asset = BMFF.canRead(data) ? new BMFF(data) : new Plain(data);
  const store = ManifestStore.read(SuperBox.fromBuffer(asset.getManifestJUMBF()));
  const result = await store.validate(asset);
  const assertions = store.getActiveManifest().assertions.assertions;
  const created = assertions.find((one) => one.label === 'c2pa.actions.v2' || one.fullLabel === 'c2pa.actions.v2')?.actions?.[0];
  console.log(JSON.stringify({
    file,
    valid: result.isValid,
    failures: result.statusEntries.filter((one) => !one.success).map((one) => one.code),
    labels: assertions.map((one) => one.fullLabel ?? one.label),
    source: created?.digitalSourceType ?? null,
  }));
}
