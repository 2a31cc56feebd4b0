// Package profile is the table of modems that differ: what the driver has to know of a model beside the specifications.
//
// The table is a list of JSON objects, one a model. The built-in one is in builtin.json; a file of the same form may be put before it.
// Rows are tried from the top, and the first that matches counts. What a row does not say it takes from the row that its "like" names, or
// else from the row "plain", which says what the specifications do.
//
//	[{"name": "ours", "like": "Huawei E-series", "model": ["e3531"], "cnmi_avoid": ["2,2"], "evidence": "loses straight messages"}]
package profile
