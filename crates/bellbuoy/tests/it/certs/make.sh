#!/bin/sh
# Certificates of the tests, for a hundred years: an authority, a server (localhost, mail.test, 127.0.0.1) and a client.
set -eu
cd "$(dirname "$0")"
new() { openssl ecparam -name prime256v1 -genkey -noout | openssl pkcs8 -topk8 -nocrypt -out "$1.key"; }
new ca
openssl req -x509 -new -key ca.key -days 36500 -subj '/CN=bellbuoy tests' -addext basicConstraints=critical,CA:true -out ca.pem
for name in server client; do
  new "$name"
  openssl req -new -key "$name.key" -subj "/CN=$name" -out "$name.csr"
  case $name in
    server) extensions='subjectAltName=DNS:localhost,DNS:mail.test,IP:127.0.0.1' ;;
    client) extensions='extendedKeyUsage=clientAuth' ;;
  esac
  printf 'basicConstraints=CA:false\n%s\n' "$extensions" >extensions
  openssl x509 -req -in "$name.csr" -CA ca.pem -CAkey ca.key -CAcreateserial -days 36500 -extfile extensions -out "$name.pem"
  rm "$name.csr" extensions
done
rm -f ca.key ca.srl
