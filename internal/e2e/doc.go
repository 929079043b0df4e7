// Package e2e tries the built binary as its users do: real files into real stores, killed in the middle and started
// again. It holds tests only.
//
// What a test needs beside Go it names when it skips: the reference data (TRAILBEAT_SHARED, default ../shared beside the
// repository), and for the search engines TRAILBEAT_TEST_ELASTICSEARCH_URL and TRAILBEAT_TEST_OPENSEARCH_URL.
package e2e
