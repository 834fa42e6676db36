import assert from 'node:assert/strict'
import { describe, it } from 'node:test'
import { reachOf, type Reach } from '../../../../gateway/document/download/reach.ts'

const listOf = (text: string): string[] => text.trim().split(/\s+/)

const rows: Readonly<Record<Reach, readonly string[]>> = {
  // The addresses on both sides of the blocks that are not.
  public: listOf(`
    1.1.1.1 8.8.8.8 9.255.255.255 11.0.0.0 100.63.255.255 100.128.0.0 126.255.255.255 128.0.0.0
    169.253.255.255 169.255.0.0 172.15.255.255 172.32.0.0 192.167.255.255 192.169.0.0 198.17.255.255
    198.20.0.0 223.255.255.255 168.63.129.15 93.184.216.34 2001:4860:4860::8888 2606:4700:4700::1111
    2a00:1450:4001:80b::200e 2003::1`),
  private: listOf(`
    10.0.0.0 10.255.255.255 172.16.0.0 172.31.255.255 192.168.0.0 192.168.255.255 127.0.0.1 127.255.255.255
    100.64.0.0 100.127.255.255 ::1 fd00::1 fc00:: fdff::1
    64:ff9b::8.8.8.8 64:ff9b::10.0.0.1 64:ff9b::808:808`),
  never: listOf(`
    0.0.0.0 0.255.255.255 169.254.0.0 169.254.169.254 169.254.255.255 168.63.129.16 100.100.100.200 192.0.0.0
    192.0.0.192 192.0.2.0 192.88.99.0 198.18.0.0 198.19.255.255 198.51.100.0 203.0.113.255 224.0.0.0
    239.255.255.255 240.0.0.0 255.255.255.255 192.31.196.1 192.52.193.1 192.175.48.1 :: ::2 ::127.0.0.1
    ::ffff:127.0.0.1 ::ffff:8.8.8.8 ::ffff:0:8.8.8.8 64:ff9b::169.254.169.254 64:ff9b::a8
    64:ff9b::168.63.129.16 64:ff9b:0:0:0:1:808:808 64:ff9b:1::1 64:ff9b:1:ffff::1 100::1
    2001::1 2001:2::1 2001:3::1 2001:4:112::1 2001:10::1 2001:20::1 2001:30::1 2001:db8::1 2001:1ff::1
    2002:808:808::1 2620:4f:8000::1 3fff::1 4000::1 5f00::1 a000::1 fe80::1 fe80::1%eth0 febf::1 fec0::1
    ff00::1 fd00:ec2::254 fd20:ce::254 2a00:1450::5efe:a00:1 2a00:1450::200:5efe:a00:1 localhost 1.2.3
    1.2.3.4.5 256.1.1.1 127.1 0x7f000001 017700000001 1.2.3.4/8 [::1]`),
}

describe('an IP address', () => {
  it('is never nothing', () => assert.equal(reachOf(''), 'never'))

  for (const [reach, addresses] of Object.entries(rows))
    for (const address of addresses)
      it(`${JSON.stringify(address)} is ${reach}`, () => assert.equal(reachOf(address), reach))
})
